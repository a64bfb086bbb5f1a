/** The keys that payloads and secrets are encrypted with, from MUSTER_PAYLOAD_KEY: AES-256-GCM, several keys for rotation. */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomBytes,
  type KeyObject,
} from "node:crypto";
import { KeyringError, SecretUnreadableError } from "./errors.ts";

const cipher = "aes-256-gcm";
const keyBytes = 32;
/** 96 random bits: with one key some four billion (2^32) encryptions are safe (NIST SP 800-38D, 8.3). */
const nonceBytes = 12;
const tagBytes = 16;
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;
/** In the place of the first key: nothing is encrypted yet, or no more, while the keys behind it still decrypt. */
const noEncryption = "plain";

export class Keyring {
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #first: { readonly id: string; readonly key: KeyObject } | undefined;

  private constructor(keys: ReadonlyMap<string, KeyObject>, encrypts: boolean) {
    this.#keys = keys;
    const [first] = encrypts ? keys : [];
    this.#first = first && { id: first[0], key: first[1] };
  }

  /** Holds no key: what is encrypted can't be read. */
  static readonly empty = new Keyring(new Map(), false);

  /**
   * Reads `id:base64(32 bytes)`, several separated by commas: the first encrypts, all decrypt. `plain` as the first entry
   * encrypts nothing.
   * @throws KeyringError saying which entry is wrong, without any of its text.
   */
  static parse(text: string): Keyring {
    const entries = text.split(",").map((entry) => entry.trim());
    const encrypts = entries[0] !== noEncryption;
    const keys = new Map<string, KeyObject>();
    entries.slice(encrypts ? 0 : 1).forEach((entry, i) => {
      const { id, key } = readEntry(entry, encrypts ? i + 1 : i + 2);
      if (keys.has(id)) throw new KeyringError(`names the key ${id} twice.`);
      for (const [other, known] of keys) {
        if (known.equals(key)) throw new KeyringError(`gives ${other} and ${id} the same key.`);
      }
      keys.set(id, key);
    });
    if (keys.size === 0) throw new KeyringError("holds no key.");
    return new Keyring(keys, encrypts);
  }

  /** Ids of all keys, the one that encrypts first. */
  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** Id of the key that encrypts; undefined when nothing is encrypted. */
  get encryptingId(): string | undefined {
    return this.#first?.id;
  }

  /**
   * Encrypts with the first key: nonce, ciphertext and tag, one behind the other. `context` is not part of it; the same one
   * is needed to decrypt. Undefined when the keyring encrypts nothing.
   */
  encrypt(
    plain: Uint8Array,
    context: string,
  ): { readonly keyId: string; readonly data: Buffer } | undefined {
    if (this.#first === undefined) return undefined;
    const nonce = randomBytes(nonceBytes);
    const encryption = createCipheriv(cipher, this.#first.key, nonce);
    if (context !== "") encryption.setAAD(Buffer.from(context));
    const parts = [nonce, encryption.update(plain), encryption.final(), encryption.getAuthTag()];
    return { keyId: this.#first.id, data: Buffer.concat(parts) };
  }

  /** @throws SecretUnreadableError when the key is not here, or the data or its context is not what was encrypted. */
  decrypt(keyId: string, data: Uint8Array, context: string): Buffer {
    const key = this.#keys.get(keyId);
    if (key === undefined) throw this.#unknown(keyId);
    if (data.length < nonceBytes + tagBytes) throw notAuthentic(keyId);
    const decryption = createDecipheriv(cipher, key, data.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    if (context !== "") decryption.setAAD(Buffer.from(context));
    decryption.setAuthTag(data.subarray(data.length - tagBytes));
    try {
      const plain = decryption.update(data.subarray(nonceBytes, data.length - tagBytes));
      return Buffer.concat([plain, decryption.final()]);
    } catch {
      // Its own error says less.
      throw notAuthentic(keyId);
    }
  }

  #unknown(keyId: string): SecretUnreadableError {
    const here =
      this.#keys.size === 0
        ? "this process has no MUSTER_PAYLOAD_KEY"
        : `MUSTER_PAYLOAD_KEY of this process holds ${this.ids.join(", ")}`;
    return new SecretUnreadableError(
      "KEY_UNKNOWN",
      keyId,
      `It is encrypted with key ${printable(keyId)}, but ${here}: add that key to MUSTER_PAYLOAD_KEY and restart.`,
    );
  }
}

/** A new key as an entry of MUSTER_PAYLOAD_KEY. */
export function newKeyEntry(id: string): string {
  if (!idPattern.test(id) || id === noEncryption) throw new KeyringError(badId("The id of a key"));
  return `${id}:${randomBytes(keyBytes).toString("base64")}`;
}

function readEntry(entry: string, no: number): { readonly id: string; readonly key: KeyObject } {
  const [, id = "", encoded = ""] = /^([^:]*):(.*)$/.exec(entry) ?? [];
  if (encoded === "") {
    throw new KeyringError(
      `has an entry (${no}) that is not id:key, with a key of 32 bytes in base64 ("openssl rand -base64 32").`,
    );
  }
  if (!idPattern.test(id) || id === noEncryption) {
    throw new KeyringError(badId(`has an entry (${no}) whose id`));
  }
  const bytes = Buffer.from(encoded, "base64");
  if (bytes.length !== keyBytes || bytes.toString("base64") !== encoded) {
    throw new KeyringError(
      `has an entry (${no}) whose key is not 32 bytes in base64: make one with "openssl rand -base64 32".`,
    );
  }
  return { id, key: createSecretKey(bytes) };
}

function badId(what: string): string {
  return `${what} is not 1 to 32 letters, digits, dots, dashes and underscores, or is "${noEncryption}".`;
}

function notAuthentic(keyId: string): SecretUnreadableError {
  return new SecretUnreadableError(
    "NOT_AUTHENTIC",
    keyId,
    `It can't be decrypted with key ${printable(keyId)}: that id has another key here than where it was encrypted ` +
      "(compare MUSTER_PAYLOAD_KEY of both), or it was altered.",
  );
}

/** An id out of a payload may be anything. */
function printable(keyId: string): string {
  return idPattern.test(keyId) ? keyId : JSON.stringify(keyId.slice(0, 40));
}
