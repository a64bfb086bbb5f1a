/**
 * Encrypts what Temporal stores. The format is that of Temporal's own samples of encryption in all languages (encoding
 * `binary/encrypted`, key id in the metadata; nonce, ciphertext and tag of the whole payload as data), so that clients
 * of Muster's workflows in other languages have it at hand.
 */
import type { Payload, PayloadCodec } from "@temporalio/common";
import proto from "@temporalio/proto";
import { SecretUnreadableError } from "./errors.ts";
import type { Keyring } from "./keyring.ts";

const encryptedEncoding = "binary/encrypted";
const encodingBytes = Buffer.from(encryptedEncoding);
/** None: whatever is encrypted as a secret, and not as a payload, has a context. */
const noContext = "";
const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

export interface EncryptingCodecOptions {
  /** Told of each payload that can't be read, beside the error that the caller gets. */
  readonly onUnreadable?: (error: SecretUnreadableError) => void;
}

/** Payloads that are not encrypted pass as they are: those of before, and all of them when the keyring encrypts nothing. */
export class EncryptingCodec implements PayloadCodec {
  readonly #keyring: Keyring;
  readonly #onUnreadable: (error: SecretUnreadableError) => void;
  readonly #keyIds = new Map<string, Buffer>();

  constructor(keyring: Keyring, { onUnreadable }: EncryptingCodecOptions = {}) {
    this.#keyring = keyring;
    this.#onUnreadable = onUnreadable ?? (() => undefined);
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    if (this.#keyring.encryptingId === undefined) return Promise.resolve(payloads);
    return Promise.resolve(payloads.map((payload) => this.#encrypt(payload)));
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    if (!payloads.some(isEncrypted)) return payloads;
    return await Promise.resolve(payloads.map((payload) => this.#decrypt(payload)));
  }

  #encrypt(payload: Payload): Payload {
    const plain = PayloadMessage.encode(payload).finish();
    const encrypted = this.#keyring.encrypt(plain, noContext);
    if (encrypted === undefined) return payload;
    return {
      metadata: {
        encoding: encodingBytes,
        "encryption-key-id": this.#keyIdBytes(encrypted.keyId),
      },
      data: encrypted.data,
    };
  }

  /** @throws SecretUnreadableError */
  #decrypt(payload: Payload): Payload {
    if (!isEncrypted(payload)) return payload;
    const keyId = Buffer.from(payload.metadata?.["encryption-key-id"] ?? []).toString("utf8");
    try {
      const plain = this.#keyring.decrypt(keyId, payload.data ?? Buffer.alloc(0), noContext);
      return PayloadMessage.decode(plain);
    } catch (error) {
      if (error instanceof SecretUnreadableError) this.#onUnreadable(error);
      throw error;
    }
  }

  #keyIdBytes(keyId: string): Buffer {
    let bytes = this.#keyIds.get(keyId);
    if (bytes === undefined) this.#keyIds.set(keyId, (bytes = Buffer.from(keyId)));
    return bytes;
  }
}

/** Whether a payload was encrypted by this codec, or one of its kind. */
export function isEncrypted(payload: Payload): boolean {
  const encoding = payload.metadata?.["encoding"];
  return encoding?.length === encodingBytes.length && encodingBytes.equals(encoding);
}
