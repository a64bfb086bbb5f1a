/** One POST to an endpoint of somebody else: bounded in time, follows nothing, reads next to nothing. */
import { retryAfterMsOf, type DeliveryReply } from "../../lifecycle/webhook-policy.ts";
import { signatureHeaders } from "./webhook-signature.ts";

/** How long an endpoint may take for its answer. */
const postMs = 10_000;
/** How much of an answer is read: enough for a person to see what is wrong. */
const textBytesMax = 1_024;
const textCharsMax = 200;

export interface Message {
  readonly url: string;
  readonly secret: string;
  readonly messageId: string;
  readonly body: string;
}

/** Sends a signed message. Never throws: what went wrong is in the reply, without the URL or the secret. */
export async function postWebhook(
  { url, secret, messageId, body }: Message,
  timeoutMs = postMs,
): Promise<DeliveryReply> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "muster-webhook",
        ...signatureHeaders(secret, messageId, Date.now(), body),
      },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await beginningOf(response);
    const retryAfterMs = retryAfterMsOf(response.headers.get("retry-after"), Date.now());
    return {
      type: "answered",
      status: response.status,
      text,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
  } catch (error) {
    return { type: "unreachable", why: whyUnreachable(error, timeoutMs) };
  }
}

/** The first bytes of the answer as one line; its status counts even when they do not come. */
async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      const part = chunk as Uint8Array;
      chunks.push(part);
      bytes += part.length;
      // Leaving the loop closes the connection.
      if (bytes >= textBytesMax) break;
    }
  } catch {
    // What came before it broke off will do.
  }
  const text = Buffer.concat(chunks).subarray(0, textBytesMax).toString("utf8");
  return text
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, textCharsMax);
}

function whyUnreachable(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === "TimeoutError") {
    return `It did not answer within ${timeoutMs / 1_000} s`;
  }
  // fetch says only that it failed; its cause says why.
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const why = first instanceof Error ? first.message : "fetch failed";
  return `It could not be reached: ${why}`;
}
