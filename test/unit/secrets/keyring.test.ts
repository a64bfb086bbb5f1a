import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { KeyringError, SecretUnreadableError } from "../../../src/secrets/errors.ts";
import { Keyring, newKeyEntry } from "../../../src/secrets/keyring.ts";
import { thrownBy } from "../../helpers/thrown-by.ts";

const key1 = newKeyEntry("k1");
const key2 = newKeyEntry("k2");
const plain = Buffer.from("what nobody may read");

function encrypted(keyring: Keyring, context = "") {
  const result = keyring.encrypt(plain, context);
  if (result === undefined) throw new Error("The keyring encrypts nothing.");
  return result;
}

describe("keyring", () => {
  it("several keys - the first encrypts, all decrypt", () => {
    const before = encrypted(Keyring.parse(key1));
    const rotated = Keyring.parse(` ${key2} , ${key1}`);
    const after = encrypted(rotated);
    expect([before.keyId, after.keyId]).toEqual(["k1", "k2"]);
    expect(rotated.ids).toEqual(["k2", "k1"]);
    for (const { keyId, data } of [before, after]) {
      expect(rotated.decrypt(keyId, data, "").equals(plain)).toBe(true);
    }
  });

  it("plain before the keys - encrypts nothing, still decrypts", () => {
    const { keyId, data } = encrypted(Keyring.parse(key1));
    const keyring = Keyring.parse(`plain,${key1}`);
    expect(keyring.encryptingId).toBeUndefined();
    expect(keyring.encrypt(plain, "")).toBeUndefined();
    expect(keyring.decrypt(keyId, data, "").equals(plain)).toBe(true);
  });

  it("the same text twice - never looks the same", () => {
    const keyring = Keyring.parse(key1);
    const texts = new Set(
      Array.from({ length: 200 }, () => encrypted(keyring).data.toString("hex")),
    );
    expect(texts.size).toBe(200);
  });

  it("an unknown key - is named, with the variable and the keys that are there", () => {
    const { keyId, data } = encrypted(Keyring.parse(key2));
    for (const [keyring, here] of [
      [Keyring.parse(key1), "holds k1"],
      [Keyring.empty, "has no MUSTER_PAYLOAD_KEY"],
    ] as const) {
      const error = thrownBy(SecretUnreadableError, () => keyring.decrypt(keyId, data, ""));
      expect(error).toMatchObject({ code: "KEY_UNKNOWN", keyId: "k2" });
      expect(error.message).toContain("key k2");
      expect(error.message).toContain(here);
      expect(error.message).toContain("MUSTER_PAYLOAD_KEY");
    }
  });

  it("another key of the same id, an altered text, a wrong context - is not authentic", () => {
    const keyring = Keyring.parse(key1);
    const { data } = encrypted(keyring, "here");
    const altered = Buffer.from(data);
    altered[20] = (altered[20] ?? 0) ^ 1;
    for (const read of [
      () => Keyring.parse(newKeyEntry("k1")).decrypt("k1", data, "here"),
      () => keyring.decrypt("k1", altered, "here"),
      () => keyring.decrypt("k1", data, "elsewhere"),
      () => keyring.decrypt("k1", data, ""),
      () => keyring.decrypt("k1", data.subarray(0, 27), "here"),
      () => keyring.decrypt("k1", Buffer.alloc(0), "here"),
    ]) {
      expect(thrownBy(SecretUnreadableError, read).code).toBe("NOT_AUTHENTIC");
    }
    expect(keyring.decrypt("k1", data, "here").equals(plain)).toBe(true);
  });

  it.each([
    ["nothing", ""],
    ["a key without an id", randomBytes(32).toString("base64")],
    ["an id without a key", "k1:"],
    ["an empty entry", `${key1},,${key2}`],
    ["a trailing comma", `${key1},`],
    ["16 bytes", `k1:${randomBytes(16).toString("base64")}`],
    ["33 bytes", `k1:${randomBytes(33).toString("base64")}`],
    ["no padding", key1.replace("=", "")],
    ["rubbish behind the key", `${key1}!`],
    ["hexadecimal", `k1:${randomBytes(32).toString("hex")}`],
    ["an id with a blank", `k 1:${randomBytes(32).toString("base64")}`],
    ["an id that is too long", `${"k".repeat(33)}:${randomBytes(32).toString("base64")}`],
    ["the id plain", `plain:${randomBytes(32).toString("base64")}`],
    ["an id twice", `${key1},${newKeyEntry("k1")}`],
    ["a key twice", `${key1},${key1.replace("k1", "k9")}`],
    ["plain alone", "plain"],
    ["plain behind a key", `${key1},plain`],
  ])("%s - is refused without a word of it", (_what, text) => {
    const { message } = thrownBy(KeyringError, () => Keyring.parse(text));
    for (const part of text.split(/[,:]/).filter((one) => one.length > 20)) {
      expect(message).not.toContain(part.slice(0, 12));
    }
  });

  it("printed or logged - shows no key", () => {
    const keyring = Keyring.parse(key1);
    const secret = key1.slice(3, 20);
    expect(JSON.stringify(keyring)).not.toContain(secret);
    expect(Object.values(keyring)).toEqual([]);
  });

  it("a new key with an id that none may have - is refused", () => {
    expect(() => newKeyEntry("plain")).toThrow(KeyringError);
    expect(() => newKeyEntry("k:1")).toThrow(KeyringError);
  });
});
