/**
 * The codec endpoint, for the Temporal UI and CLI: payloads in, payloads out, by Temporal's protocol for codec servers. Secret
 * fields of Commands stay sealed in what it decodes. A browser can show no bearer token of ours, so the path may hold one.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type, type Static } from "typebox";
import { isEncrypted, EncryptingCodec } from "../../secrets/payload-codec.ts";
import { SecretUnreadableError } from "../../secrets/errors.ts";
import { bearerCheck, tokenCheck } from "./auth.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import type { Api } from "./validation.ts";

const prefix = "/codec/";
/** A page of a history: some payloads may have 2 MiB, a third more as base64. */
const bodyBytesMax = 32 * 1024 * 1024;
const preflightSeconds = 600;

const payload = Type.Object({
  metadata: Type.Optional(Type.Record(Type.String(), Type.String())),
  data: Type.Optional(Type.String()),
});
type PayloadJson = Static<typeof payload>;
const payloadsBody = Type.Object({ payloads: Type.Optional(Type.Array(payload)) });
const params = Type.Object({ token: Type.Optional(Type.String()) });

/** Whether the endpoint itself decides who may ask. */
export function isCodecPath(url: string): boolean {
  return url.startsWith(prefix);
}

/** Nothing is there unless MUSTER_CODEC_TOKEN is set. */
export function codecRoutes(api: Api, { config }: Pick<ApiParts, "config">): void {
  const { codecToken, apiToken, codecOrigins, payloadKeys } = config;
  if (codecToken === undefined) return;
  const codec = new EncryptingCodec(payloadKeys);
  const isToken = tokenCheck(codecToken);
  const isBearer = [codecToken, ...(apiToken === undefined ? [] : [apiToken])].map(bearerCheck);

  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    allowOrigin(request, reply, codecOrigins);
    if (request.method === "OPTIONS") return;
    const { token } = request.params as Static<typeof params>;
    const { authorization } = request.headers;
    const shown =
      token === undefined ? isBearer.some((isShown) => isShown(authorization)) : isToken(token);
    if (shown) return;
    throw new ApiError(
      "UNAUTHENTICATED",
      "Show MUSTER_CODEC_TOKEN as `Authorization: Bearer …`, or in the path: /codec/<token>.",
    );
  };

  const turn = {
    encode: async (given: PayloadJson): Promise<PayloadJson> => {
      const [encoded = {}] = await codec.encode([fromJson(given)]);
      return toJson(encoded);
    },
    decode: async (given: PayloadJson): Promise<PayloadJson> => {
      const encrypted = fromJson(given);
      if (!isEncrypted(encrypted)) return given;
      try {
        const [decoded = {}] = await codec.decode([encrypted]);
        return toJson(decoded);
      } catch (error) {
        // Of a key that was given up: its id stands in the payload, and the others of the page are still readable.
        if (error instanceof SecretUnreadableError) return given;
        throw error;
      }
    },
  };

  for (const verb of ["encode", "decode"] as const) {
    for (const url of [`${prefix}${verb}`, `${prefix}:token/${verb}`]) {
      const schema = { hide: true, params };
      api.options(
        url,
        { schema, onRequest },
        async (_request, reply) => await reply.code(204).send(),
      );
      api.post(
        url,
        { schema: { ...schema, body: payloadsBody }, onRequest, bodyLimit: bodyBytesMax },
        async ({ body: { payloads = [] } }) => ({
          payloads: await Promise.all(payloads.map((one) => turn[verb](one))),
        }),
      );
    }
  }
}

/**
 * Lets pages of known origins read the answer.
 * @throws ApiError ORIGIN_NOT_ALLOWED for pages of others.
 */
function allowOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  origins: readonly string[],
): void {
  reply.header("vary", "origin");
  const { origin } = request.headers;
  if (origin === undefined) return;
  if (!origins.includes(origin)) {
    throw new ApiError(
      "ORIGIN_NOT_ALLOWED",
      `Pages of ${origin} may not ask for payloads. Is it your Temporal UI? Add it to MUSTER_CODEC_ORIGINS.`,
    );
  }
  reply.header("access-control-allow-origin", origin);
  if (request.method !== "OPTIONS") return;
  reply.header("access-control-allow-methods", "POST");
  const asked = request.headers["access-control-request-headers"];
  if (asked !== undefined) reply.header("access-control-allow-headers", asked);
  reply.header("access-control-max-age", preflightSeconds);
}

function fromJson({ metadata = {}, data = "" }: PayloadJson) {
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, "base64")]),
    ),
    data: Buffer.from(data, "base64"),
  };
}

function toJson({
  metadata,
  data,
}: Awaited<ReturnType<EncryptingCodec["decode"]>>[number]): PayloadJson {
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)]),
    ),
    data: base64(data ?? []),
  };
}

/** Protobuf's own empty value is a list. */
function base64(bytes: Uint8Array | readonly number[]): string {
  return Buffer.from(bytes).toString("base64");
}
