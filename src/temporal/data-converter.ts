/** How Muster's clients and Workers write what Temporal stores. */
import { fileURLToPath } from "node:url";
import type { DataConverter } from "@temporalio/common";
import type { SecretUnreadableError } from "../secrets/errors.ts";
import type { Keyring } from "../secrets/keyring.ts";
import { EncryptingCodec } from "../secrets/payload-codec.ts";
import type { Log } from "../telemetry/log.ts";

/** A Worker without the key fails each task that it gets, again and again. */
const sayAgainAfterMs = 10_000;
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const failureConverterPath = fileURLToPath(
  new URL(`./failure-converter${extension}`, import.meta.url),
);

/**
 * Encrypts with the keyring's first key. Without one it writes what the SDK writes by itself, and still knows an encrypted
 * payload: the task or call fails then, to be tried again, instead of working on rubbish.
 */
export function createDataConverter(keyring: Keyring, log: Log): DataConverter {
  let saidAtMs = -Infinity;
  const onUnreadable = (error: SecretUnreadableError): void => {
    const { keyId, code } = error;
    if (performance.now() - saidAtMs < sayAgainAfterMs) return;
    saidAtMs = performance.now();
    log.error({ keyId, code }, `A payload from Temporal can't be read. ${error.message}`);
  };
  return {
    payloadCodecs: [new EncryptingCodec(keyring, { onUnreadable })],
    ...(keyring.encryptingId !== undefined && { failureConverterPath }),
  };
}
