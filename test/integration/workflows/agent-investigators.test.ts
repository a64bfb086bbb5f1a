/** Whom a lifecycle asks about a lost host, in which order, and what becomes of those that misbehave. */
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { AgentEvent } from "../../../src/workflows/activity-types.ts";
import type { InvestigatorSetting } from "../../../src/workflows/agent-messages.ts";
import { AgentUnderTest, useRig } from "./rig.ts";

const answers = new Map<string, (type: string) => Promise<unknown>>();
const answering = (type: string) => (agentId: string) =>
  answers.get(agentId)?.(type) ?? Promise.resolve({ verdict: "Unknown", evidence: `${type}: no` });
const types = [
  "investigateByRedfish",
  "investigateByKvm",
  "investigateBySimulator",
  "investigateByRackPdu",
];
const rig = useRig(Object.fromEntries(types.map((type) => [type, answering(type)])));

const down = { verdict: "Down", evidence: "its power is off", proof: "PowerState Off" };
const named = (...names: readonly string[]): readonly InvestigatorSetting[] =>
  names.map((name) => ({ name, timeoutMs: 2_000 }));

/** Loses an agent that has these Investigators; gives the events up to the first verdict. */
async function lose(
  agent: AgentUnderTest,
  investigators: readonly InvestigatorSetting[],
  host: { resourceType?: string } = {},
): Promise<readonly AgentEvent[]> {
  await agent.connect({ settings: { reconnectGraceMs: 50, investigators }, host });
  await agent.becomes("Up");
  await agent.disconnect({ type: "socketLost", details: "closed" });
  return await agent.saw("disconnected", "verdict");
}

function findings(events: readonly AgentEvent[]): readonly Readonly<Record<string, unknown>>[] {
  return events.flatMap(({ type, data }) => (type === "investigation" && data ? [data] : []));
}

describe("the order", () => {
  test("agentLifecycle - asks those that are set, in that order, others not; the first Down ends it", async () => {
    const agent = new AgentUnderTest(rig, "order");
    answers.set(agent.agentId, (type) =>
      Promise.resolve(
        type === "investigateByRedfish" ? down : { verdict: "Unknown", evidence: "no idea" },
      ),
    );
    const events = await lose(agent, named("rack-pdu", "agent", "redfish", "ping"));
    expect(findings(events).map(({ investigator }) => investigator)).toEqual([
      "rack-pdu",
      "agent",
      "redfish",
    ]);
    expect(findings(events)[2]).toMatchObject({ ...down, investigator: "redfish" });
    expect(agent.edge.callsOf("investigateByPing", agent.agentId)).toEqual([]);
    expect(agent.edge.callsOf("investigateByRedfish", agent.agentId)[0]?.args).toMatchObject({
      agentId: agent.agentId,
      epoch: 1,
      timeoutMs: 2_000,
      host: { zone: "z1", cluster: "c1" },
    });
    expect((await agent.becomes("Down")).statusReason).toContain("PowerState Off");
  });

  test("agentLifecycle - those that can't speak of such a host are not asked", async () => {
    const all = named("kvm", "simulator", "redfish");
    const simulated = new AgentUnderTest(rig, "simulated");
    const kvm = new AgentUnderTest(rig, "kvm");
    const [ofSimulated, ofKvm] = await Promise.all([
      lose(simulated, all),
      lose(kvm, all, { resourceType: "kvm" }),
    ]);
    const names = (events: readonly AgentEvent[]) =>
      findings(events).map(({ investigator }) => investigator);
    expect(names(ofSimulated)).toEqual(["simulator", "redfish"]);
    expect(names(ofKvm)).toEqual(["kvm", "redfish"]);
    expect(kvm.edge.callsOf("investigateBySimulator", kvm.agentId)).toEqual([]);
  });

  test("agentLifecycle - with all of them excluded nobody is asked, and it is never Down", async () => {
    const agent = new AgentUnderTest(rig, "nobody");
    const events = await lose(agent, []);
    expect(findings(events)).toEqual([]);
    expect(events.find(({ type }) => type === "verdict")?.text).toContain("nobody knows");
    expect((await agent.view()).status).toBe("Disconnected");
  });

  test("agentLifecycle - the Temporal UI says who is asked and what it does", async () => {
    const agent = new AgentUnderTest(rig, "summaries");
    await lose(agent, named("agent", "redfish"));
    const { events } = await agent.handle.fetchHistory();
    const summaries = (events ?? []).flatMap(({ userMetadata }) => {
      const data = userMetadata?.summary?.data;
      return data ? [Buffer.from(data).toString("utf8")] : [];
    });
    expect(summaries).toContain('"Investigator agent: asks the agent itself over its socket"');
    expect(summaries).toContain(
      '"Investigator redfish: reads the host\'s power state from its BMC"',
    );
  });
});

describe("Investigators that misbehave", () => {
  test.each([
    ["throws", () => Promise.reject(new Error("the BMC is on fire")), /failed: the BMC is on fire/],
    ["answers rubbish", () => Promise.resolve({ verdict: "Dead" }), /answered rubbish: .*"Dead"/],
    ["answers nothing", () => Promise.resolve(), /answered rubbish/],
    [
      "says Down without proof",
      () => Promise.resolve({ verdict: "Down", evidence: "no reply" }),
      /said Down without proof.*no reply/,
    ],
  ])(
    "agentLifecycle - one that %s is Unknown, named, and the next is asked",
    async (what, act, said) => {
      const agent = new AgentUnderTest(rig, `bad-${what.replaceAll(" ", "-")}`);
      answers.set(agent.agentId, (type) =>
        type === "investigateByRedfish"
          ? act()
          : Promise.resolve({ verdict: "Up", evidence: "it hums" }),
      );
      const events = await lose(agent, named("redfish", "rack-pdu"));
      const [first, second] = findings(events);
      expect(first).toMatchObject({ investigator: "redfish", verdict: "Unknown" });
      expect(first?.["evidence"]).toMatch(/^Investigator redfish /);
      expect(first?.["evidence"]).toMatch(said);
      expect(second).toMatchObject({ investigator: "rack-pdu", verdict: "Up" });
      expect((await agent.view()).status).toBe("Disconnected");
    },
  );

  test("agentLifecycle - one that hangs is Unknown when its time is over, and named", async () => {
    const agent = new AgentUnderTest(rig, "hangs");
    const until = new AbortController();
    answers.set(agent.agentId, () =>
      pause(60_000, undefined, { signal: until.signal }).catch(() => undefined),
    );
    const events = await lose(agent, [{ name: "redfish", timeoutMs: 100 }]);
    until.abort();
    expect(findings(events)[0]).toMatchObject({ investigator: "redfish", verdict: "Unknown" });
    expect(findings(events)[0]?.["evidence"]).toMatch(
      /^Investigator redfish gave no answer within 100 ms/,
    );
  });

  test("agentLifecycle - one that no worker knows is Unknown and says what to set", async () => {
    const agent = new AgentUnderTest(rig, "unregistered");
    const events = await lose(agent, named("no-such-one"));
    expect(findings(events)[0]).toMatchObject({ investigator: "no-such-one", verdict: "Unknown" });
    expect(findings(events)[0]?.["evidence"]).toContain("MUSTER_INVESTIGATOR_MODULES");
  });
});

describe("Investigator neighbour", () => {
  const neighbours = new Map<string, readonly { agentId: string; gatewayId: string }[]>();
  const sights = new Map<string, () => Promise<Readonly<Record<string, unknown>>>>();
  rig.edge.neighbours = (agentId) => neighbours.get(agentId) ?? [];
  rig.edge.askNeighbour = async (neighbour, agentId) => {
    const sight = await (sights.get(`${neighbour} on ${agentId}`)?.() ?? { result: false });
    return { type: "CheckOnHostAnswer", commandId: "c", result: true, ...sight };
  };
  const see = (agent: AgentUnderTest, what: Readonly<Record<string, () => Promise<object>>>) => {
    const names = Object.keys(what);
    neighbours.set(
      agent.agentId,
      names.map((agentId) => ({ agentId, gatewayId: "g1" })),
    );
    for (const [name, act] of Object.entries(what)) {
      sights.set(`${name} on ${agent.agentId}`, async () => ({ ...(await act()) }));
    }
  };

  test("agentLifecycle - neighbours are asked at once; one that sees it is enough", async () => {
    const agent = new AgentUnderTest(rig, "seen");
    see(agent, {
      n1: () => Promise.resolve({ seen: false, proofOfDeath: "it looks dead" }),
      n2: () => Promise.reject(new Error("lost itself")),
      n3: () => Promise.resolve({ seen: true, details: "it pings" }),
    });
    const [finding] = findings(await lose(agent, named("neighbour")));
    expect(finding).toMatchObject({ investigator: "neighbour", verdict: "Up" });
    for (const said of ["n1 does not see it", "n2 could not be asked", "n3 sees it: it pings"]) {
      expect(finding?.["evidence"]).toContain(said);
    }
    const asked = agent.edge.calls.filter(
      ({ name, args }) =>
        name === "askNeighbour" && (args["host"] as { agentId: string }).agentId === agent.agentId,
    );
    expect(asked.map(({ args }) => args["agentId"]).sort()).toEqual(["n1", "n2", "n3"]);
  });

  test("agentLifecycle - positive proof and nobody who sees it is Down, with that proof", async () => {
    const agent = new AgentUnderTest(rig, "proven");
    see(agent, {
      n1: () => Promise.resolve({ seen: false }),
      n2: () => Promise.resolve({ seen: false, proofOfDeath: "its lease on the disk is over" }),
    });
    const [finding] = findings(await lose(agent, named("neighbour")));
    expect(finding).toMatchObject({
      verdict: "Down",
      proof: "n2 has proof: its lease on the disk is over",
    });
    await agent.becomes("Down");
  });

  test("agentLifecycle - seen by none, or with no neighbours at all, is Unknown", async () => {
    const unseen = new AgentUnderTest(rig, "unseen");
    see(unseen, { n1: () => Promise.resolve({ seen: false }), n2: () => Promise.resolve({}) });
    const alone = new AgentUnderTest(rig, "alone");
    const both = await Promise.all([
      lose(unseen, named("neighbour")),
      lose(alone, named("neighbour")),
    ]);
    expect(findings(both[0])[0]).toMatchObject({ verdict: "Unknown" });
    expect(findings(both[1])[0]?.["evidence"]).toContain("No other host of its cluster is Up");
  });
});
