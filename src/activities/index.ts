/** The activities that workers run on `muster-activities`; lifecycle workers need `createRecordAgent` alone. */
import type { WorkerActivities } from "../workflows/activity-types.ts";
import type { ActivityDeps } from "./deps.ts";
import { createAskBrake } from "./ask-brake.ts";
import { createFindNeighbours } from "./find-neighbours.ts";
import { investigatorActivities } from "./investigators/index.ts";
import { createMaintenanceBook } from "./maintenance-book.ts";
import { createRecordAgent } from "./record-agent.ts";
import { createRecordGateway } from "./record-gateway.ts";
import { createRecordRecovery } from "./record-recovery.ts";
import { createTellAgentsGatewayLost } from "./tell-agents-gateway-lost.ts";

export type { ActivityDeps } from "./deps.ts";
export { createShipped } from "./investigators/index.ts";
export { createRecordAgent } from "./record-agent.ts";

/** The fixed ones, and one for each Investigator. */
export function createWorkerActivities(deps: ActivityDeps): WorkerActivities {
  return {
    ...investigatorActivities(deps.investigators, deps.log),
    recordAgent: createRecordAgent(deps),
    recordGateway: createRecordGateway(deps),
    recordRecovery: createRecordRecovery(deps),
    askBrake: createAskBrake(deps),
    tellAgentsGatewayLost: createTellAgentsGatewayLost(deps),
    findNeighbours: createFindNeighbours(deps),
    ...createMaintenanceBook(deps),
  };
}
