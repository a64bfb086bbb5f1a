/** The activities that workers run on `muster-activities`; lifecycle workers need `createRecordAgent` alone. */
import type { WorkerActivities } from "../workflows/activity-types.ts";
import type { ActivityDeps } from "./deps.ts";
import { createInvestigators } from "./investigators/index.ts";
import { createAskBrake } from "./ask-brake.ts";
import { createMaintenanceBook } from "./maintenance-book.ts";
import { createRecordAgent } from "./record-agent.ts";
import { createRecordGateway } from "./record-gateway.ts";
import { createRecordRecovery } from "./record-recovery.ts";
import { createTellAgentsGatewayLost } from "./tell-agents-gateway-lost.ts";

export type { ActivityDeps } from "./deps.ts";
export { createRecordAgent } from "./record-agent.ts";

export function createWorkerActivities(deps: ActivityDeps): WorkerActivities {
  return {
    recordAgent: createRecordAgent(deps),
    recordGateway: createRecordGateway(deps),
    recordRecovery: createRecordRecovery(deps),
    askBrake: createAskBrake(deps),
    tellAgentsGatewayLost: createTellAgentsGatewayLost(deps),
    ...createMaintenanceBook(deps),
    ...createInvestigators({ log: deps.log }),
  };
}
