/** Two hundred agents lose their gateway at once. */
import { beforeAll, describe, expect, it } from "vitest";
import { useCluster, type Gateway } from "./cluster.ts";

const agents = 200;
const { cluster } = useCluster(() => ({
  // As in operation: what 200 agents at once cost is part of the scenario.
  MUSTER_PING_INTERVAL_MS: "10000",
  MUSTER_RECONNECT_GRACE_MS: "30000",
  MUSTER_RELAY_BUDGET_PER_SECOND: "2",
}));
let gateway: Gateway;

beforeAll(async () => {
  await cluster.startWorker();
  gateway = await cluster.startGateway("gateway-1");
  await cluster.startSimulators(agents, [gateway.agentUrl]);
});

describe("a gateway with 200 agents that is killed", () => {
  it("finds all of them Up again by themselves after its restart, and none was ever called Down", async () => {
    await cluster.untilUp(agents);

    gateway.signal("SIGKILL");
    await gateway.ended;
    const restarted = await cluster.startGateway("gateway-1", gateway);

    await cluster.untilUp(agents, 2);
    const down = await cluster.call("GET", "agents?status=Down&limit=1000");
    expect(down.body).toMatchObject({ agents: [] });
    expect(restarted.agentUrl).toBe(gateway.agentUrl);
  });
});
