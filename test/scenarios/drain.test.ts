/** Agents that move between gateways: make before break, with Commands under way, and by a gateway that stops. */
import { beforeAll, describe, expect, it } from "vitest";
import { waitUntil } from "../helpers/wait-until.ts";
import { useCluster, type CommandAnswer, type Gateway } from "./cluster.ts";

const { cluster } = useCluster();
const agents = 12;
let first: Gateway;
let second: Gateway;

interface Listed {
  readonly id: string;
  readonly gatewayId: string | null;
  readonly status: string;
}

async function listed(): Promise<readonly Listed[]> {
  const { body } = await cluster.call("GET", "agents?limit=1000");
  return (body as { agents: readonly Listed[] }).agents;
}

async function untilHeld(counts: Readonly<Record<string, number>>): Promise<void> {
  let last: readonly Listed[] = [];
  await waitUntil(
    JSON.stringify(counts),
    async () => {
      last = await listed();
      return Object.entries(counts).every(
        ([id, count]) => last.filter(({ gatewayId }) => gatewayId === id).length === count,
      );
    },
    { timeoutMs: 60_000, everyMs: 250 },
  );
}

/** Events by which an agent was lost for its manager, however shortly. */
async function losses(): Promise<readonly string[]> {
  const all = await Promise.all(
    (await listed()).map(async ({ id }) =>
      (await cluster.events(id))
        .filter(({ type, text }) => type === "status" && !text.startsWith("Creating"))
        .map(({ text }) => `${id}: ${text}`),
    ),
  );
  return all.flat();
}

beforeAll(async () => {
  await cluster.startWorker();
  first = await cluster.startGateway("gateway-1");
  await cluster.startSimulators(agents, [first.agentUrl], {
    faults: { RebootVm: { delayMs: 3_000 } },
  });
  await cluster.untilUp(agents);
});

describe("a gateway that joins", () => {
  it("gets its share without anyone asking, and no agent is lost by it", async () => {
    second = await cluster.startGateway("gateway-2");
    await untilHeld({ "gateway-1": agents / 2, "gateway-2": agents / 2 });
    expect(await losses()).toEqual([]);
  });
});

describe("a gateway that is drained", () => {
  it("is emptied while Commands go on, each of which gets its own Answer, and takes nobody", async () => {
    const commands = (await listed()).map(({ id }) => ({ id, commandId: crypto.randomUUID() }));
    const answers: Promise<readonly CommandAnswer[]>[] = commands.map(({ id, commandId }) =>
      cluster.send(id, [{ type: "RebootVm", id: commandId, vm: "vm-1" }]),
    );
    const asked = await cluster.call(
      "POST",
      "gateways/gateway-1/drain",
      { agentsPerSecond: 20, by: "kim" },
      second.apiUrl,
    );
    expect(asked).toMatchObject({ status: 200, body: { state: "draining" } });
    await untilHeld({ "gateway-1": 0, "gateway-2": agents });
    const drained = await waitUntil("it is drained", async () => {
      const { body } = await cluster.call("GET", "gateways/gateway-1/drain");
      return (body as { state: string }).state === "drained" && body;
    });
    expect(drained).toMatchObject({ moved: agents / 2, left: 0 });
    for (const [i, answer] of (await Promise.all(answers)).entries()) {
      const { commandId } = commands[i] ?? {};
      expect(answer).toMatchObject([{ type: "RebootVmAnswer", commandId, result: true }]);
    }
    expect(await losses()).toEqual([]);
  });

  it("takes agents again once the drain is cancelled", async () => {
    const { status } = await cluster.call("DELETE", "gateways/gateway-1/drain");
    expect(status).toBe(200);
    await untilHeld({ "gateway-1": agents / 2, "gateway-2": agents / 2 });
  });
});

describe("a gateway that is stopped", () => {
  it("has its agents move before it goes, and none is lost by it", async () => {
    const { length: held } = (await listed()).filter(({ gatewayId }) => gatewayId === "gateway-1");
    await first.stop();
    expect(first.log()).toContain(`"moved":${held},"failed":0`);
    await untilHeld({ "gateway-2": agents });
    expect(await losses()).toEqual([]);
  });
});
