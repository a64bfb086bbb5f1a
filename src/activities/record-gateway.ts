import { markGateway } from "../db/index.ts";
import type { WorkerActivities } from "../workflows/activity-types.ts";
import type { ActivityDeps } from "./deps.ts";
import { storing } from "./errors.ts";

/** Marks a gateway's row; a row of a newer incarnation stays as it is. */
export function createRecordGateway(
  deps: Pick<ActivityDeps, "db">,
): WorkerActivities["recordGateway"] {
  return async ({ gateway, state, reason }) => {
    await storing(`the state of gateway ${gateway.gatewayId}`, () =>
      markGateway(deps.db, gateway.gatewayId, gateway.incarnation, state, reason),
    );
  };
}
