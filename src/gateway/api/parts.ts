import type { BalancerCalls } from "./balancer-calls.ts";
import type { ApiContext } from "./context.ts";
import type { EventHub } from "./event-hub.ts";
import type { LifecycleCalls } from "./lifecycle-calls.ts";
import type { RequestCalls } from "./request-calls.ts";
import type { WebhookCalls } from "./webhook-calls.ts";

/** What the routes are built on. */
export interface ApiParts extends ApiContext {
  readonly balancer: BalancerCalls;
  readonly lifecycle: LifecycleCalls;
  readonly requests: RequestCalls;
  readonly webhooks: WebhookCalls;
  readonly events: EventHub;
  /** Aborted when the API closes. */
  readonly closing: AbortSignal;
}
