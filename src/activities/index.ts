/** The activities that workers run; lifecycle workers need `createRecordAgent` alone. */
import type { WebhookActivities, WorkerActivities } from "../workflows/activity-types.ts";
import type { ActivityDeps } from "./deps.ts";
import { createAskBrake } from "./ask-brake.ts";
import { createFindNeighbours } from "./find-neighbours.ts";
import { createDeliverWebhook } from "./hooks/deliver-webhook.ts";
import type { WebhookDeps } from "./hooks/read-webhook.ts";
import { createTestWebhook } from "./hooks/test-webhook.ts";
import { investigatorActivities } from "./investigators/index.ts";
import { createFleetBook } from "./fleet-book.ts";
import { createMaintenanceBook } from "./maintenance-book.ts";
import { createRecordAgent } from "./record-agent.ts";
import { createRecordGateway } from "./record-gateway.ts";
import { createRecordRecovery } from "./record-recovery.ts";
import { createTellAgentsGatewayLost } from "./tell-agents-gateway-lost.ts";

export type { ActivityDeps } from "./deps.ts";
export type { WebhookDeps } from "./hooks/read-webhook.ts";
export { tellListeners } from "./hooks/tell-listeners.ts";
export { createShipped } from "./investigators/index.ts";
export { createRecordAgent } from "./record-agent.ts";

/** On `muster-activities`: the fixed ones, and one for each Investigator. */
export function createWorkerActivities(deps: ActivityDeps): WorkerActivities {
  return {
    ...investigatorActivities(deps.investigators, deps.log),
    recordAgent: createRecordAgent(deps),
    recordGateway: createRecordGateway(deps),
    recordRecovery: createRecordRecovery(deps),
    askBrake: createAskBrake(deps),
    tellAgentsGatewayLost: createTellAgentsGatewayLost(deps),
    findNeighbours: createFindNeighbours(deps),
    ...createFleetBook(deps),
    ...createMaintenanceBook(deps),
  };
}

/** On `muster-webhooks`. */
export function createWebhookActivities(deps: WebhookDeps): WebhookActivities {
  return { deliverWebhook: createDeliverWebhook(deps), testWebhook: createTestWebhook(deps) };
}
