/** Signatures by the Standard Webhooks scheme (https://www.standardwebhooks.com), so that its libraries verify them. */
import { createHmac } from "node:crypto";

/** Secrets are `whsec_` and the key in base64. */
const secretPrefix = "whsec_";

/**
 * The headers that go with a body.
 * @param messageId the same whenever this body is sent again.
 * @param atMs when this try begins, in milliseconds since the epoch; receivers refuse what is too old.
 */
export function signatureHeaders(
  secret: string,
  messageId: string,
  atMs: number,
  body: string,
): Readonly<Record<string, string>> {
  const timestamp = Math.floor(atMs / 1_000);
  const key = Buffer.from(secret.slice(secretPrefix.length), "base64");
  const signature = createHmac("sha256", key)
    .update(`${messageId}.${timestamp}.${body}`)
    .digest("base64");
  return {
    "webhook-id": messageId,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": `v1,${signature}`,
  };
}
