import { listClusterLoads, listGateways, markDraining } from "../db/index.ts";
import { clustersOf } from "../lifecycle/balance-plan.ts";
import type { FleetGateway } from "../lifecycle/drains.ts";
import type { WorkerActivities } from "../workflows/activity-types.ts";
import type { ActivityDeps } from "./deps.ts";

/** What the balancer reads and writes of the gateways. */
export function createFleetBook({
  db,
}: Pick<ActivityDeps, "db">): Pick<WorkerActivities, "readFleet" | "markDraining"> {
  return {
    async readFleet() {
      const [gateways, loads] = await Promise.all([listGateways(db), listClusterLoads(db)]);
      return gateways.map(({ id, incarnation, agentUrl, weight, state }): FleetGateway => ({
        id,
        incarnation,
        agentUrl,
        joined: state === "joined",
        weight,
        clusters: clustersOf(loads, id),
      }));
    },

    async markDraining({ gateway: { gatewayId, incarnation }, draining }) {
      await markDraining(db, gatewayId, incarnation, draining);
    },
  };
}
