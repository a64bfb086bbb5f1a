/**
 * `webhookDelivery`: one webhook, from its adding until it is removed. All the work is one long activity, which Temporal
 * starts anew wherever a worker is when the one that ran it dies; how far it is stands in PostgreSQL.
 */
import {
  ActivityCancellationType,
  condition,
  continueAsNew,
  log,
  proxyActivities,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { WebhookActivities, WebhookTestResult } from "./activity-types.ts";
import { listenForRenewal } from "./renewal.ts";
import { resumedSignal, webhooksTaskQueue, type WebhookInput } from "./webhook-messages.ts";

/** A round of deliveries adds six events. */
const renewEvents = 300;

const { deliverWebhook } = proxyActivities<Pick<WebhookActivities, "deliverWebhook">>({
  taskQueue: webhooksTaskQueue,
  startToCloseTimeout: "2h",
  // How soon another worker takes over from one that died.
  heartbeatTimeout: "10s",
  retry: { initialInterval: "1s", maximumInterval: "30s" },
  // The workflow need not wait for it: it notices by itself that its row is gone.
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  summary: "Delivers events",
});

const { testWebhook } = proxyActivities<Pick<WebhookActivities, "testWebhook">>({
  taskQueue: webhooksTaskQueue,
  scheduleToCloseTimeout: "20s",
  retry: { maximumAttempts: 1 },
  summary: "Sends a test message",
});

export async function webhookDelivery({ webhookId }: WebhookInput): Promise<void> {
  let resumed = false;
  setHandler(resumedSignal, () => {
    resumed = true;
  });
  const mustRenew = listenForRenewal();
  setDefaultSignalHandler((signal) => {
    log.warn("signal ignored", { signal, reason: "no such signal" });
  });
  for (;;) {
    if (workflowInfo().historyLength >= renewEvents || mustRenew()) {
      await continueAsNew<typeof webhookDelivery>({ webhookId });
    }
    // From here on: an operator may resume it before the round that paused it has ended.
    resumed = false;
    setCurrentDetails("Delivering.");
    // A round that goes on beside the one of the next run does no harm: the webhook's cursor tells them apart.
    const round = await Promise.race([deliverWebhook({ webhookId }), condition(mustRenew)]);
    if (round === undefined) continue;
    if (round.state === "removed") return;
    if (round.state === "goOn") continue;
    log.warn("webhook paused", { webhookId, reason: round.reason });
    setCurrentDetails(`**Paused**: ${round.reason}.`);
    await condition(() => resumed || mustRenew());
  }
}

/** Sends one test message from where deliveries are sent. */
export async function webhookTest({ webhookId }: WebhookInput): Promise<WebhookTestResult> {
  return await testWebhook({ webhookId });
}
