import { randomUUID } from "node:crypto";
import { ApplicationFailure } from "@temporalio/common";
import { decideDelivery } from "../../lifecycle/webhook-policy.ts";
import type { WebhookActivities } from "../../workflows/activity-types.ts";
import { postWebhook } from "./post-webhook.ts";
import { readWebhook, type WebhookDeps } from "./read-webhook.ts";

/** Sends a message as deliveries are, with one event of type `test` that no agent ever has, and touches no cursor. */
export function createTestWebhook(deps: WebhookDeps): WebhookActivities["testWebhook"] {
  return async ({ webhookId }) => {
    const webhook = await readWebhook(deps, webhookId);
    if (webhook === undefined) {
      throw ApplicationFailure.nonRetryable(`There is no webhook ${webhookId}.`, "WEBHOOK_UNKNOWN");
    }
    const { url, secret } = webhook;
    const messageId = `${webhookId}.test-${randomUUID()}`;
    const startedMs = performance.now();
    const reply = await postWebhook({ url, secret, messageId, body: testBody() });
    const tookMs = Math.round(performance.now() - startedMs);
    const decision = decideDelivery(reply, { failures: 0, refusals: 0, random: 0 });
    const accepted = decision.type === "delivered";
    return {
      accepted,
      tookMs,
      ...(reply.type === "answered" && { status: reply.status }),
      details: accepted ? "The endpoint accepted the message." : `${decision.error}.`,
    };
  };
}

function testBody(): string {
  const event = { id: 0, agentId: "", no: 0, at: new Date().toISOString(), epoch: 0, type: "test" };
  return JSON.stringify([{ ...event, text: "A test, sent by an operator.", data: null }]);
}
