import { randomBytes } from "node:crypto";
import { defaultPayloadConverter, type Payload } from "@temporalio/common";
import { fastify } from "fastify";
import { beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/index.ts";
import { codecRoutes } from "../../../src/gateway/api/codec-routes.ts";
import { problemOfError } from "../../../src/gateway/api/problem-of-error.ts";
import { validatorCompiler, type Api } from "../../../src/gateway/api/validation.ts";
import { Keyring, newKeyEntry } from "../../../src/secrets/keyring.ts";
import { EncryptingCodec } from "../../../src/secrets/payload-codec.ts";

const token = randomBytes(24).toString("hex");
const apiToken = randomBytes(24).toString("hex");
const payloadKey = newKeyEntry("k1");
const origin = "http://localhost:8233";
const inToken = `/codec/${token}`;

interface PayloadJson {
  readonly metadata: Readonly<Record<string, string>>;
  readonly data: string;
}
type Headers = Readonly<Record<string, string>>;

function apiWith(env: Readonly<Record<string, string>>): Api {
  const api = fastify() as unknown as Api;
  api.setValidatorCompiler(validatorCompiler);
  api.setErrorHandler(async (error, _request, reply) => {
    const problem = problemOfError(error);
    return await reply.code(problem.status).send(problem);
  });
  codecRoutes(api, { config: loadConfig(env) });
  return api;
}

let api: Api;
beforeAll(() => {
  api = apiWith({
    MUSTER_API_TOKEN: apiToken,
    MUSTER_PAYLOAD_KEY: payloadKey,
    MUSTER_CODEC_TOKEN: token,
    MUSTER_CODEC_ORIGINS: origin,
  });
});

async function post(url: string, payloads: readonly unknown[], headers: Headers = {}) {
  const reply = await api.inject({ method: "POST", url, headers, payload: { payloads } });
  const body = reply.json<{ payloads: PayloadJson[]; code?: string; detail?: string }>();
  return { status: reply.statusCode, headers: reply.headers, ...body };
}

function json(payload: Payload): PayloadJson {
  const text = (bytes: Uint8Array | null | undefined) =>
    Buffer.from(bytes ?? []).toString("base64");
  const metadata = Object.entries(payload.metadata ?? {}).map(([k, v]) => [k, text(v)] as const);
  return { metadata: Object.fromEntries(metadata), data: text(payload.data) };
}

async function encrypted(value: unknown, entry = payloadKey): Promise<PayloadJson> {
  const codec = new EncryptingCodec(Keyring.parse(entry));
  const [payload = {}] = await codec.encode([defaultPayloadConverter.toPayload(value)]);
  return json(payload);
}

function dataOf(payload: PayloadJson | undefined): string {
  return Buffer.from(payload?.data ?? "", "base64").toString("utf8");
}

describe("codec endpoint", () => {
  it("decode - gives what was encrypted and leaves the rest, each in its place", async () => {
    const plain = json(defaultPayloadConverter.toPayload("plain"));
    const given = [await encrypted({ vm: "a" }), plain, await encrypted(null)];
    const { status, payloads } = await post(`${inToken}/decode`, given);
    expect(status).toBe(200);
    expect(payloads.map(dataOf)).toEqual(['{"vm":"a"}', '"plain"', "null"]);
    expect(dataOf({ metadata: {}, data: payloads[0]?.metadata["encoding"] ?? "" })).toBe(
      "json/plain",
    );
  });

  it("nothing, as a workflow without a result gives it - is decoded to nothing", async () => {
    const plain = json(defaultPayloadConverter.toPayload(undefined));
    const { status, payloads } = await post(`${inToken}/decode`, [await encrypted(undefined)]);
    expect([status, payloads]).toEqual([200, [plain]]);
  });

  it("decode of a secret field - shows what it is sealed as", async () => {
    const sealed = { type: "SetPassword", password: { $sealed: "k1:AAAA" } };
    const { payloads } = await post(`${inToken}/decode`, [await encrypted(sealed)]);
    expect(JSON.parse(dataOf(payloads[0]))).toEqual(sealed);
  });

  it("encode, then decode - is a round trip", async () => {
    const plain = json(defaultPayloadConverter.toPayload({ by: "an operator in the UI" }));
    const encoded = await post(`${inToken}/encode`, [plain]);
    expect(JSON.stringify(encoded.payloads)).not.toContain(plain.data);
    expect((await post(`${inToken}/decode`, encoded.payloads)).payloads).toEqual([plain]);
  });

  it("a key that was given up - leaves its payloads as they are, the others are decoded", async () => {
    const old = await encrypted("old", newKeyEntry("k0"));
    const { status, payloads } = await post(`${inToken}/decode`, [old, await encrypted("new")]);
    expect(status).toBe(200);
    expect(payloads[0]).toEqual(old);
    expect(dataOf(payloads[1])).toBe('"new"');
  });

  it.each([
    ["a wrong token in the path", `/codec/${"x".repeat(48)}/decode`, {}],
    ["the API token in the path", `/codec/${apiToken}/decode`, {}],
    ["no token", "/codec/decode", {}],
    ["a wrong bearer token", "/codec/decode", { authorization: `Bearer ${"x".repeat(48)}` }],
  ])("%s - is refused", async (_what, url, headers) => {
    expect(await post(url, [await encrypted("x")], headers)).toMatchObject({
      status: 401,
      code: "UNAUTHENTICATED",
    });
  });

  it.each([
    ["the codec's token", token],
    ["the API's token", apiToken],
  ])("%s as bearer, for the CLI - opens it without one in the path", async (_whose, bearer) => {
    const { payloads } = await post("/codec/decode", [await encrypted("x")], {
      authorization: `Bearer ${bearer}`,
    });
    expect(payloads.map(dataOf)).toEqual(['"x"']);
  });

  it("a page of the Temporal UI - may ask, after its preflight", async () => {
    const preflight = await api.inject({
      method: "OPTIONS",
      url: `${inToken}/decode`,
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-namespace",
      },
    });
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "content-type,x-namespace",
    });
    const { status, headers } = await post(`${inToken}/decode`, [], { origin });
    expect([status, headers["access-control-allow-origin"], headers["vary"]]).toEqual([
      200,
      origin,
      "origin",
    ]);
  });

  it("a page of anybody else - is refused, its preflight too", async () => {
    const headers = { origin: "https://evil.example" };
    const reply = await post(`${inToken}/decode`, [await encrypted("x")], headers);
    expect(reply).toMatchObject({ status: 403, code: "ORIGIN_NOT_ALLOWED" });
    expect(reply.detail).toContain("MUSTER_CODEC_ORIGINS");
    const preflight = await api.inject({ method: "OPTIONS", url: `${inToken}/decode`, headers });
    expect(preflight.statusCode).toBe(403);
    expect(preflight.headers).not.toHaveProperty("access-control-allow-origin");
  });

  it.each([
    ["no list", { payloads: "all" }],
    ["metadata of another shape", { payloads: [{ metadata: { encoding: 7 } }] }],
  ])("%s - is refused", async (_what, payload) => {
    const reply = await api.inject({ method: "POST", url: `${inToken}/decode`, payload });
    expect(reply.statusCode).toBe(400);
  });

  it("a page of history with payloads of 2 MiB - fits", async () => {
    const large = await encrypted("x".repeat(2 * 1024 * 1024));
    const { status, payloads } = await post(`${inToken}/decode`, [large, large, large]);
    expect([status, payloads.length]).toEqual([200, 3]);
  });

  it("without MUSTER_CODEC_TOKEN - is not there", async () => {
    const without = apiWith({ MUSTER_API_TOKEN: apiToken, MUSTER_PAYLOAD_KEY: payloadKey });
    const reply = await without.inject({
      method: "POST",
      url: "/codec/decode",
      headers: { authorization: `Bearer ${apiToken}` },
      payload: { payloads: [] },
    });
    expect(reply.statusCode).toBe(404);
  });
});
