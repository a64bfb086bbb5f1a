import { markGateway } from "../db/index.ts";
import type { WorkerActivities } from "../workflows/activity-types.ts";
import { balancerType, fleetChangedSignal } from "../workflows/balancer-messages.ts";
import { balancerStartOptions } from "../workflows/start-options.ts";
import type { ActivityDeps } from "./deps.ts";
import { storing } from "./errors.ts";

/** Marks a gateway's row and has the balancer look at the fleet; a row of a newer incarnation stays as it is. */
export function createRecordGateway(
  deps: Pick<ActivityDeps, "db" | "client">,
): WorkerActivities["recordGateway"] {
  return async ({ gateway, state, reason }) => {
    await storing(`the state of gateway ${gateway.gatewayId}`, () =>
      markGateway(deps.db, gateway.gatewayId, gateway.incarnation, state, reason),
    );
    await deps.client.workflow.signalWithStart(balancerType, {
      ...balancerStartOptions(),
      signal: fleetChangedSignal,
      signalArgs: [{ reason: `gateway ${gateway.gatewayId} ${state}: ${reason}` }],
    });
  };
}
