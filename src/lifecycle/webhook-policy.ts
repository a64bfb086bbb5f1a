/** What follows from an attempt to deliver to a webhook. Pure; durations in milliseconds. */

/** How an endpoint took a delivery. */
export type DeliveryReply =
  | {
      readonly type: "answered";
      /** HTTP status. */
      readonly status: number;
      /** Beginning of what it said, for people. */
      readonly text: string;
      /** What its Retry-After header asks for. */
      readonly retryAfterMs?: number;
    }
  /** No answer: not reached, or not in time. */
  | { readonly type: "unreachable"; readonly why: string };

export type DeliveryDecision =
  | { readonly type: "delivered" }
  | { readonly type: "retry"; readonly error: string; readonly afterMs: number }
  /** Trying again changes nothing: an operator has to look. */
  | { readonly type: "pause"; readonly error: string };

export interface DeliveryPolicy {
  readonly firstRetryMs: number;
  readonly retryMsMax: number;
  /** Bounds of what an endpoint may ask for by Retry-After. */
  readonly retryAfterMs: { readonly least: number; readonly most: number };
  /** Refusals (4xx, redirects) in a row after which the webhook is paused. */
  readonly refusalsMax: number;
}

/** Refusals are borne for some eight minutes: an endpoint that is being deployed answers 404 for a while. */
export const deliveryPolicy: DeliveryPolicy = {
  firstRetryMs: 1_000,
  retryMsMax: 300_000,
  retryAfterMs: { least: 1_000, most: 3_600_000 },
  refusalsMax: 10,
};

/** Client errors that say "later" rather than "no". */
const temporaryStatuses: ReadonlySet<number> = new Set([408, 425, 429]);
const gone = 410;

/** Whether an answer refuses the delivery for a reason that another try does not mend. */
export function isRefusal(reply: DeliveryReply): boolean {
  return (
    reply.type === "answered" &&
    reply.status >= 300 &&
    reply.status < 500 &&
    !temporaryStatuses.has(reply.status)
  );
}

/**
 * Decides what becomes of a batch.
 * @param failures tries in a row that failed before this one.
 * @param refusals how many of the last ones in a row were refusals, this one not counted.
 * @param random from 0 up to 1.
 */
export function decideDelivery(
  reply: DeliveryReply,
  { failures, refusals, random }: { failures: number; refusals: number; random: number },
  policy: DeliveryPolicy = deliveryPolicy,
): DeliveryDecision {
  if (reply.type === "answered" && reply.status >= 200 && reply.status < 300) {
    return { type: "delivered" };
  }
  const error = describe(reply);
  if (reply.type === "answered" && reply.status === gone) {
    return { type: "pause", error: `${error}. The endpoint says that it is gone for good` };
  }
  if (isRefusal(reply) && refusals + 1 >= policy.refusalsMax) {
    return { type: "pause", error: `${error}, ${policy.refusalsMax} times in a row` };
  }
  const asked = reply.type === "answered" ? reply.retryAfterMs : undefined;
  const afterMs = asked === undefined ? backOffMs(failures, random, policy) : bound(asked, policy);
  return { type: "retry", error, afterMs };
}

/** Doubles with each failure; jitter takes up to half of it away, so that endpoints that share a host spread out. */
function backOffMs(failures: number, random: number, policy: DeliveryPolicy): number {
  // The exponent is bounded: 2^n of a webhook that has failed for a month is no number any more.
  const fullMs = Math.min(policy.retryMsMax, policy.firstRetryMs * 2 ** Math.min(failures, 30));
  return Math.round(fullMs * (1 - random / 2));
}

function bound(ms: number, { retryAfterMs: { least, most } }: DeliveryPolicy): number {
  return Math.min(most, Math.max(least, ms));
}

function describe(reply: DeliveryReply): string {
  if (reply.type === "unreachable") return reply.why;
  const said = reply.text === "" ? "" : `: ${reply.text}`;
  const redirect = reply.status >= 300 && reply.status < 400 ? " (redirects are not followed)" : "";
  return `It answered ${reply.status}${redirect}${said}`;
}

/**
 * What a Retry-After header asks for, seconds or an HTTP date (RFC 9110 §10.2.3); undefined when it says nothing usable.
 */
export function retryAfterMsOf(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1_000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
