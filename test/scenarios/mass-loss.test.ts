/** Most of a zone is lost at once: Down is held back until the storm is over, and then counts for those who are really off. */
import { beforeAll, expect, it } from "vitest";
import { waitUntil } from "../helpers/wait-until.ts";
import { useCluster, type AgentDetails, type Gateway } from "./cluster.ts";

const hosts = 200;
const lost = 120;
const dead = 3;
const { cluster } = useCluster(() => ({
  MUSTER_PING_INTERVAL_MS: "10000",
  MUSTER_INVESTIGATE_RETRY_MS: "20000",
  MUSTER_RELAY_BUDGET_PER_SECOND: "2",
  MUSTER_INVESTIGATORS: "simulator:5000",
}));
let gateway: Gateway;

beforeAll(async () => {
  await cluster.startWorker();
  gateway = await cluster.startGateway("gateway-1");
});

async function withStatus(status: string): Promise<readonly AgentDetails[]> {
  const { body } = await cluster.call("GET", `agents?status=${status}&limit=1000`);
  return (body as { agents: readonly AgentDetails[] }).agents;
}

async function brakes(): Promise<readonly { readonly since: string | null }[]> {
  const { body } = await cluster.call("GET", "brakes");
  return (body as { brakes: readonly { since: string | null }[] }).brakes;
}

it("Down is held back for all, shown and alerted; once most are back it counts for those that are off, once each", async () => {
  const sims = await cluster.startSimulators(hosts, [gateway.agentUrl]);
  const world = String(sims.ready["worldUrl"]);
  await cluster.untilUp(hosts);
  const names = Array.from({ length: lost }, (_, i) => `sim-${String(i + 1).padStart(4, "0")}`);
  const power = async (id: string, state: "on" | "off"): Promise<void> => {
    const response = await fetch(`${world}/hosts/${id}/power`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ power: state }),
    });
    expect(response.status).toBe(200);
  };

  await Promise.all(names.map((id) => power(id, "off")));
  await waitUntil(
    "all of them are held back",
    async () => {
      const held = (await withStatus("Disconnected")).filter(({ braked }) => braked === true);
      expect(await withStatus("Down")).toEqual([]);
      return held.length === lost;
    },
    { timeoutMs: 180_000, everyMs: 500 },
  );
  expect((await brakes()).filter(({ since }) => since !== null).length).toBeGreaterThan(0);
  const story = (await cluster.events(names[0] ?? "")).map(({ type }) => type);
  expect(story).toEqual(expect.arrayContaining(["verdict", "braked", "alertRaised"]));
  expect((await cluster.call("GET", "recoveries")).body).toEqual({ recoveries: [] });

  await Promise.all(names.slice(dead).map((id) => power(id, "on")));
  await waitUntil(
    "those that are off are Down, all others Up",
    async () =>
      (await withStatus("Down")).length === dead &&
      (await withStatus("Up")).length === hosts - dead,
    { timeoutMs: 180_000, everyMs: 500 },
  );
  expect((await withStatus("Down")).map(({ id }) => id)).toEqual(names.slice(0, dead));
  expect((await brakes()).filter(({ since }) => since !== null)).toEqual([]);
  const recovered = await waitUntil("each is recorded once", async () => {
    const { body } = await cluster.call("GET", "recoveries");
    const { recoveries } = body as { recoveries: readonly { agentId: string }[] };
    return recoveries.length >= dead && recoveries;
  });
  expect(recovered.map(({ agentId }) => agentId).sort()).toEqual(names.slice(0, dead));
});
