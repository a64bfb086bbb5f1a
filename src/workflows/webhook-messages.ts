/** What the world may say to a `webhookDelivery` workflow. Workflow id: `webhook/<webhookId>`. */
import { defineSignal } from "@temporalio/workflow";

export const webhookDeliveryType = "webhookDelivery";
export const webhookTestType = "webhookTest";
export const webhooksTaskQueue = "muster-webhooks";
/** How many webhooks there may be: each asks PostgreSQL twice a second and holds a place in a worker. */
export const webhooksMax = 100;
export function webhookWorkflowId(webhookId: string): string {
  return `webhook/${webhookId}`;
}

export interface WebhookInput {
  readonly webhookId: string;
}

/** An operator wants a paused webhook delivered again. Its row is marked so before; nothing when it was not paused. */
export const resumedSignal = defineSignal("resumed");
