import { createDecipheriv, randomBytes } from "node:crypto";
import { defaultPayloadConverter, type Payload } from "@temporalio/common";
import proto from "@temporalio/proto";
import { describe, expect, it } from "vitest";
import { SecretUnreadableError } from "../../../src/secrets/errors.ts";
import { Keyring, newKeyEntry } from "../../../src/secrets/keyring.ts";
import { EncryptingCodec, isEncrypted } from "../../../src/secrets/payload-codec.ts";

const rawKey = randomBytes(32);
const keyring = Keyring.parse(`k1:${rawKey.toString("base64")}`);
const codec = new EncryptingCodec(keyring);

function payloadOf(value: unknown): Payload {
  return defaultPayloadConverter.toPayload(value);
}

async function valueOf(payload: Payload | undefined, by = codec): Promise<unknown> {
  const [decoded] = await by.decode(payload === undefined ? [] : [payload]);
  return defaultPayloadConverter.fromPayload(decoded ?? {});
}

describe("payload codec", () => {
  it("any kind of value - comes back as it was, in its place", async () => {
    const values = [
      { a: [1, "ü"] },
      null,
      undefined,
      Buffer.from([0, 255]),
      "",
      "x".repeat(100_000),
    ];
    const encoded = await codec.encode(values.map(payloadOf));
    expect(encoded.every(isEncrypted)).toBe(true);
    const decoded = await codec.decode(encoded);
    const read = decoded.map((payload) => defaultPayloadConverter.fromPayload<unknown>(payload));
    expect(read.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value))).toEqual(
      values,
    );
  });

  it("what Temporal gets - shows the key's id and nothing of the value or its metadata", async () => {
    const [encoded] = await codec.encode([payloadOf({ password: "correct horse" })]);
    const text = Buffer.concat([
      ...Object.values(encoded?.metadata ?? {}),
      encoded?.data ?? Buffer.alloc(0),
    ]).toString("latin1");
    expect(text).not.toMatch(/correct horse|password|json\/plain/);
    expect(Object.keys(encoded?.metadata ?? {}).sort()).toEqual(["encoding", "encryption-key-id"]);
  });

  it("Temporal's samples of encryption - can read it: nonce, ciphertext, tag of the whole payload", async () => {
    const payload = payloadOf("for another language");
    const [encoded] = await codec.encode([payload]);
    const bytes = Buffer.from(encoded?.data ?? []);
    const decipher = createDecipheriv("aes-256-gcm", rawKey, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(-16));
    const plain = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
    const inner = proto.temporal.api.common.v1.Payload.decode(plain);
    expect(defaultPayloadConverter.fromPayload(inner)).toBe("for another language");
  });

  it("without a key - writes the very payloads it is given", async () => {
    for (const idle of [Keyring.empty, Keyring.parse(`plain,${newKeyEntry("k1")}`)]) {
      const payloads = [payloadOf("in clear")];
      expect(await new EncryptingCodec(idle).encode(payloads)).toBe(payloads);
      expect(await new EncryptingCodec(idle).decode(payloads)).toBe(payloads);
    }
  });

  it("payloads of before there was a key - are read, also beside encrypted ones", async () => {
    const [encrypted] = await codec.encode([payloadOf("new")]);
    const decoded = await codec.decode([payloadOf("old"), encrypted ?? {}]);
    expect(decoded.map((payload) => defaultPayloadConverter.fromPayload(payload))).toEqual([
      "old",
      "new",
    ]);
  });

  it("a key that is not here - fails, and is told of once for each payload", async () => {
    const told: SecretUnreadableError[] = [];
    const [encrypted] = await codec.encode([payloadOf("x")]);
    const other = new EncryptingCodec(Keyring.empty, {
      onUnreadable: (error) => told.push(error),
    });
    await expect(valueOf(encrypted, other)).rejects.toThrow(SecretUnreadableError);
    expect(told).toMatchObject([{ code: "KEY_UNKNOWN", keyId: "k1" }]);
  });

  it("a payload that only says it is encrypted - is unreadable, no crash", async () => {
    const encoding = Buffer.from("binary/encrypted");
    for (const payload of [
      { metadata: { encoding } },
      { metadata: { encoding, "encryption-key-id": Buffer.from("k1") }, data: Buffer.alloc(3) },
      { metadata: { encoding, "encryption-key-id": Buffer.from("\u0000\n") }, data: null },
    ]) {
      await expect(codec.decode([payload])).rejects.toThrow(SecretUnreadableError);
    }
  });

  it("a payload of 512 KiB - grows by less than 200 bytes", async () => {
    const payload = payloadOf("x".repeat(512 * 1024));
    const [encoded] = await codec.encode([payload]);
    const { Payload: message } = proto.temporal.api.common.v1;
    const grown =
      message.encode(encoded ?? {}).finish().length - message.encode(payload).finish().length;
    expect(grown).toBeGreaterThan(28);
    expect(grown).toBeLessThan(200);
  });
});
