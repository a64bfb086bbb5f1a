/** What a person does to agents, and what the manager makes of it: stopped, woken, ended, started twice. */
import { describe, expect, it } from "vitest";
import { beforeAll } from "vitest";
import { waitUntil } from "../helpers/wait-until.ts";
import { useCluster, type Gateway } from "./cluster.ts";

const { cluster, home } = useCluster();
let gateway: Gateway;

beforeAll(async () => {
  await cluster.startWorker();
  gateway = await cluster.startGateway("gateway-1");
});

describe("an agent that is stopped with SIGSTOP", () => {
  it("is found silent, investigated, and Up again after SIGCONT", async () => {
    const agent = await cluster.startAgent("sleepy", [gateway.agentUrl], { home: home() });
    const before = await cluster.untilStatus("sleepy", "Up");

    agent.signal("SIGSTOP");
    const lost = await cluster.untilStatus("sleepy", "Disconnected");
    expect(lost.statusReason).toContain("no ping");
    await waitUntil("it is investigated", async () =>
      (await cluster.events("sleepy")).some((event) => event.type === "verdict"),
    );

    agent.signal("SIGCONT");
    const after = await cluster.untilStatus("sleepy", "Up");
    expect(after.epoch).toBeGreaterThan(before.epoch ?? 0);
    const types = (await cluster.events("sleepy")).map((event) => event.type);
    expect(types.indexOf("investigation")).toBeGreaterThan(types.indexOf("disconnected"));
    expect(types.lastIndexOf("connected")).toBeGreaterThan(types.indexOf("verdict"));
  });
});

describe("an agent that is ended with SIGTERM", () => {
  it("says goodbye, is Disconnected, and nobody is asked about it", async () => {
    const agent = await cluster.startAgent("polite", [gateway.agentUrl], { home: home() });
    await cluster.untilStatus("polite", "Up");

    expect(await agent.stop("SIGTERM")).toBe(0);

    const gone = await cluster.untilStatus("polite", "Disconnected");
    expect(gone.statusReason).toContain("goodbye");
    // Longer than the grace after which a lost agent would be asked about: a ping time-out of another agent passes.
    const other = await cluster.startAgent("bystander", [gateway.agentUrl], { home: home() });
    await cluster.untilStatus("bystander", "Up");
    other.signal("SIGKILL");
    await waitUntil("another one that was killed is investigated", async () =>
      (await cluster.events("bystander")).some((event) => event.type === "verdict"),
    );
    const types = (await cluster.events("polite")).map((event) => event.type);
    expect(types).not.toContain("investigation");
    expect(types).not.toContain("alertRaised");
  });
});

describe("an agent whose container is killed and started again", () => {
  it("keeps its identity and is Up under the next epoch", async () => {
    const first = await cluster.startAgent("phoenix", [gateway.agentUrl], { home: home() });
    const before = await cluster.untilStatus("phoenix", "Up");
    first.signal("SIGKILL");
    await first.ended;
    await cluster.untilStatus("phoenix", "Disconnected");

    await cluster.startAgent("phoenix", [gateway.agentUrl], { home: home() });

    const after = await cluster.untilStatus("phoenix", "Up");
    expect(after.epoch).toBeGreaterThan(before.epoch ?? 0);
  });
});
