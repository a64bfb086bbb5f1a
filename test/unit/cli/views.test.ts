import { describe, expect, it } from "vitest";
import type {
  AgentDetails,
  AgentJson,
  EventJson,
  RefusalJson,
} from "../../../src/cli/api/types.ts";
import { brakesTable } from "../../../src/cli/commands/brakes.ts";
import { gatewaysTable } from "../../../src/cli/commands/gateways.ts";
import { clustersTable, zonesTable } from "../../../src/cli/commands/places.ts";
import { recoveriesTable } from "../../../src/cli/commands/recoveries.ts";
import { requestText } from "../../../src/cli/commands/request.ts";
import { whyText } from "../../../src/cli/commands/why.ts";
import { agentFacts } from "../../../src/cli/show-agent.ts";
import { agentsTable } from "../../../src/cli/text/agents-table.ts";
import { refusalText } from "../../../src/cli/text/refusal.ts";
import { clockOf } from "../../../src/cli/text/times.ts";

const nowMs = Date.parse("2026-11-23T12:00:00Z");
const at = (ago: number) => new Date(nowMs - ago).toISOString();
const page = { now: () => nowMs, width: 120 };

const agent: AgentJson = {
  id: "host-1",
  zone: "zone-1",
  cluster: "cluster-1",
  resourceType: "kvm",
  status: "Up",
  statusReason: "connected: session 3 on gateway gw-1",
  statusSince: at(200_000),
  resourceState: "Enabled",
  host: { software: "muster 0.1.0", address: "10.0.0.7" },
  gatewayId: "gw-1",
  epoch: 3,
  connectedAt: at(200_000),
};

function lifecycleOf({ id }: AgentJson): NonNullable<AgentDetails["lifecycle"]> {
  return {
    agentId: id,
    status: "Up",
    resourceState: "Enabled",
    statusSince: at(5_000),
    statusReason: "no ping for 2.5 s",
    epoch: 3,
    settings: {
      pingIntervalMs: 60_000,
      pingTimeoutMultiplier: 2.5,
      reconnectGraceMs: 1,
      alertWaitMs: 1,
      investigateRetryMs: 1,
    },
    pendingRequests: 2,
  };
}

describe("muster agents", () => {
  it("says plainly when there are none", () => {
    expect(agentsTable([], [], page)).toBe("no agents\n");
  });

  it("fits 120 columns whatever agents are called, and counts by status", () => {
    const lost: AgentJson = {
      ...agent,
      id: "a".repeat(40),
      cluster: "c".repeat(128),
      status: "Disconnected",
      statusReason: "its connection was lost: ".repeat(20),
      gatewayId: null,
    };
    const lines = agentsTable([agent, lost], [], page).trimEnd().split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(lines[0]).toMatch(/^AGENT +STATUS +FOR +RESOURCE +TYPE +ZONE +CLUSTER +GATEWAY +WHY$/);
    expect(lines[1]).toMatch(/^host-1 +Up +3 min +Enabled +kvm +zone-1 +cluster-1 +gw-1 +connec/);
    expect(lines[2]).toMatch(/^a{40} +Disconnected/);
    expect(lines[3]).toBe("2 agents: 1 Up, 1 Disconnected");
  });
});

describe("refused agents", () => {
  const refusal = {
    ...{ code: "CLUSTER_UNKNOWN", reason: "Declare cluster c9.", peer: "10.0.0.9:4711" },
    ...{ gatewayId: "gw-1", zone: "zone-1", cluster: "c9", resourceType: "kvm" },
    ...{ firstAt: at(120_000), lastAt: at(10_000), count: 3 },
  };
  const stranger: RefusalJson = { ...refusal, agentId: "host-9", registered: false };

  it("have rows and are counted: those never admitted, and those that keep their Status", () => {
    const table = agentsTable([agent, { ...agent, id: "host-2", refusal }], [stranger], {
      ...page,
      width: 200,
    });
    const lines = table.trimEnd().split("\n");
    expect(lines[2]).toMatch(/^host-2 +Up .* refused \(CLUSTER_UNKNOWN\): Declare cluster c9\.$/);
    expect(lines[3]).toMatch(/^host-9 +refused +2 min +- +kvm +zone-1 +c9 +gw-1 +refused \(CLUS/);
    expect(lines[4]).toBe("2 agents: 2 Up");
    expect(lines[5]).toMatch(/^2 refused, 1 of them never admitted: /);
  });

  it("that nobody ever admitted are explained: why, what they claim, what comes next", () => {
    const text = refusalText(stranger, { ...page, width: 200 });
    expect(text).toMatch(/^host-9 +refused, never admitted$/m);
    expect(text).toMatch(
      /^why +Declare cluster c9\. \[CLUSTER_UNKNOWN\] \(3 times since 2 min, last 10 s ago, from 10\.0\.0\.9:4711/m,
    );
    expect(text).toMatch(/^claims +zone zone-1, cluster c9, type kvm$/m);
  });

  it("that are registered have the refusal in muster why and muster agent", () => {
    const details: AgentDetails = { ...agent, refusal };
    expect(whyText(details, null, [], page)).toMatch(/^refused +Declare cluster c9\./m);
    expect(agentFacts(details, page)).toMatch(/^refused +Declare cluster c9\./m);
  });
});

describe("workloads of an agent", () => {
  const workload = (i: number) => ({ resource: "host", name: `vm-${i}`, power: "On" }) as const;

  it("are named up to a number, with since when they are so", () => {
    const workloads = Array.from({ length: 30 }, (_, i) => workload(i));
    const text = agentFacts({ ...agent, inventory: { workloads, at: at(5_000) } }, page);
    expect(text).toMatch(/^workloads +vm-0 On, vm-1 On/m);
    expect(text.replaceAll(/\s+/g, " ")).toMatch(/vm-19 On, 10 more; so since .* \(5 s ago\)/);
    expect(agentFacts({ ...agent, inventory: { workloads: [], at: at(1) } }, page)).toMatch(
      /^workloads +none/m,
    );
    expect(agentFacts({ ...agent, inventory: null }, page)).not.toContain("workloads");
  });
});

describe("muster zone and muster cluster", () => {
  it("list who made a place known, and how much is in it", () => {
    const zones = [{ name: "z1", learnt: true, declaredAt: at(60_000), clusters: 2, agents: 7 }];
    expect(zonesTable(zones, page)).toMatch(/^z1 +2 +7 +an agent +1 min$/m);
    const cluster = { zone: "z1", name: "c1", resourceType: "kvm", learnt: false };
    const clusters = [{ ...cluster, declaredAt: at(3_600_000), agents: 4 }];
    expect(clustersTable(clusters, page)).toMatch(/^z1 +c1 +kvm +4 +an operator +1 h$/m);
    expect(zonesTable([], page)).toBe("no zones\n");
    expect(clustersTable([], page)).toBe("no clusters\n");
  });
});

describe("muster agent <id>", () => {
  it("tells what the lifecycle believes rather than the row, and what is stale", () => {
    const details: AgentDetails = {
      ...agent,
      stale: [{ part: "readModel", reason: "the row follows" }],
      lifecycle: {
        ...lifecycleOf(agent),
        status: "Disconnected",
        resourceState: "Maintenance",
        lastVerdict: { investigator: "ping", verdict: "Up", evidence: "it replied", at: at(1_000) },
      },
    };
    const text = agentFacts(details, page);
    expect(text).toMatch(/^status +Disconnected since .* \(5 s ago\)$/m);
    expect(text).toMatch(/^why +no ping for 2\.5 s$/m);
    expect(text).toMatch(/^resource +Maintenance$/m);
    expect(text).toMatch(/^pings +every 1 min 0 s, lost after 2\.5 intervals$/m);
    expect(text).toMatch(/^pending +2 Requests$/m);
    expect(text).toMatch(/^verdict +ping: Up\. it replied/m);
    expect(text).toMatch(/^stale +readModel: the row follows$/m);
  });

  it("does with the row alone when the lifecycle can't be asked", () => {
    const text = agentFacts({ ...agent, lifecycle: null }, page);
    expect(text).toMatch(/^status +Up since/m);
    expect(text).not.toContain("pending");
  });
});

describe("muster why", () => {
  const event = (
    no: number,
    ago: number,
    type: string,
    text: string,
    data?: unknown,
  ): EventJson => ({
    ...{ id: no, agentId: "host-1", no, at: at(ago), epoch: 3, type, text },
    ...(data !== undefined && { data }),
  });
  const events = [
    event(4, 9_000, "disconnected", "Disconnected: no ping for 2.5 s"),
    event(5, 9_000, "status", "Up → Disconnected: no ping for 2.5 s"),
    event(6, 6_900, "investigation", "Investigator agent: Unknown. It did not answer.", {
      tookMs: 2_100,
    }),
    event(7, 6_800, "verdict", `Unknown: ${"nobody knows whether the host is alive ".repeat(5)}`),
  ];

  it("is a timeline: what was lost, who was asked, what was seen, how long it took, what was decided", () => {
    const text = whyText({ ...agent, status: "Disconnected" }, null, events, page);
    const lines = text.trimEnd().split("\n");
    expect(lines[0]).toBe(
      "host-1  Disconnected for 3 min, resource Enabled: connected: session 3 on gateway gw-1",
    );
    expect(text).toContain("(earlier events: muster why host-1 --limit 20)");
    const clock = (ago: number) => clockOf(new Date(nowMs - ago));
    expect(text).toMatch(new RegExp(`^ +${clock(9_000)} +lost +Disconnected: no ping`, "m"));
    expect(text).toMatch(
      new RegExp(
        `^ +${clock(6_900)} +\\+2\\.1 s +saw +Investigator agent: Unknown\\. It did not answer\\. \\(took 2\\.1 s\\)$`,
        "m",
      ),
    );
    expect(text).toMatch(
      new RegExp(`^ +${clock(6_800)} +\\+0\\.1 s +decided +Unknown: nobody`, "m"),
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
    // Words of all events begin in one column, also where they were wrapped.
    const column = lines.find((line) => line.includes("Disconnected: no"))?.indexOf("Disconnected");
    expect(lines.at(-1)?.search(/\S/)).toBe(column);
  });

  it("begins with the newest loss: by which rule, who was asked, what was decided and done, what comes next", () => {
    const loss = {
      lost: {
        at: at(9_000),
        text: "Disconnected: no ping for 2.5 s",
        rule: "silence",
        ruleText: "The agent did not ping.",
        epoch: 3,
        gatewayId: "gw-1",
      },
      asked: [
        {
          at: at(6_900),
          investigator: "redfish",
          verdict: "Down",
          evidence: "Asked its BMC.",
          proof: "PowerState is Off",
          tookMs: 2_100,
        },
      ],
      rounds: 2,
      decided: { at: at(6_800), text: "Down: held back", rule: "braked", ruleText: "A storm." },
      done: [{ at: at(6_800), text: "Down held back: 9 of 10" }],
      ended: null,
    };
    const view = { since: at(9_000), asked: [], nextInvestigationAt: at(-43_000) };
    const lifecycle = { ...lifecycleOf(agent), loss: view };
    const text = whyText({ ...agent, braked: true, lifecycle }, loss, [], page);
    expect(text).toContain("its Down verdict held back");
    expect(text).toMatch(
      /^ {2}lost +\S+ \S+ {2}session 3 on gateway gw-1\. Disconnected: no ping/m,
    );
    expect(text).toMatch(/^ {2}rule +The agent did not ping\.$/m);
    expect(text).toMatch(
      /^ {2}asked .*redfish: Down\. Asked its BMC\. Proof: PowerState is Off \(took 2\.1 s\)$/m,
    );
    expect(text).toContain("2 rounds of questions in all");
    expect(text).toMatch(/^ {2}decided +\S+ \S+ {2}Down: held back$/m);
    expect(text).toMatch(/^ {2}done .*9 of 10$/m);
    expect(text).toMatch(/^ {2}next +the Investigators are asked in 43 s; a new session ends it$/m);
    const over = { ...loss, ended: { at: at(1_000), text: "Connected: session 4" } };
    const later = whyText({ ...agent, lifecycle }, over, [], page);
    expect(later).toMatch(/^ {2}ended .*Connected: session 4$/m);
    expect(later).not.toContain("next");
  });

  it("says when nothing has happened yet", () => {
    expect(whyText(agent, null, [], page)).toContain("no events yet");
  });
});

describe("muster gateways and request", () => {
  it("lists gateways, or says that there are none", () => {
    expect(gatewaysTable([], page)).toBe("no gateways\n");
    const gateway = {
      id: "gw-1",
      version: "0.1.0",
      agentUrl: "ws://gw-1:8250/agent",
      apiUrl: "http://gw-1:8251",
      state: "lost",
      stateReason: "its lease ran out",
      startedAt: at(10),
      stateSince: at(60_000),
      weight: 1,
      draining: false,
      agents: 12,
    };
    const wide = { ...page, width: 160 };
    expect(gatewaysTable([gateway], wide).split("\n")[1]).toMatch(
      /^gw-1 +lost +1 min +12 +1 +- +- +- +0\.1\.0 +ws:\S+ +http:\S+ +its lease ran out$/,
    );
    const said = { standing: "up", leaseAgoMs: 1_900, lagMs: 2.4, requestsPerSecond: 17.2 };
    expect(gatewaysTable([{ ...gateway, ...said }], wide).split("\n")[1]).toMatch(
      /^gw-1 +up +1 min +12 +1 +17 +2 ms +1900 ms +0\.1\.0 /,
    );
  });

  it("tells of a Request whether it was handed on, and its Answers", () => {
    const request = {
      requestId: "r-1",
      agentId: "host-1",
      seq: 4,
      state: "pending",
      handed: false,
      commands: [{ id: "c-1", type: "StopVm" }],
    } as const;
    expect(requestText(request, 120)).toMatch(/^state +pending, not handed to any gateway$/m);
    const answers = [{ type: "StopVmAnswer", commandId: "c-1", result: true }];
    const settled = requestText({ ...request, state: "settled", answers }, 120);
    expect(settled).toMatch(/^state +settled$/m);
    expect(settled).toContain("StopVmAnswer  done");
  });
});

describe("muster brakes and recoveries", () => {
  it("lists brakes that are on or released, or says that there are none", () => {
    expect(brakesTable([], page)).toBe("no brake is on\n");
    const on = {
      zone: "zone-1",
      cluster: "",
      since: at(60_000),
      reason: "in zone zone-1 9 of 10 hosts were lost within 300 s",
      releasedUntil: null,
      releasedBy: null,
    };
    const released = {
      ...on,
      cluster: "c-1",
      since: null,
      releasedUntil: at(-60_000),
      releasedBy: "ada",
    };
    const lines = brakesTable([on, released], page).split("\n");
    expect(lines[1]).toMatch(/^zone zone-1 +on +1 min +- +in zone zone-1 9 of 10/);
    expect(lines[2]).toMatch(/^cluster zone-1\/c-1 +released +- +\S+ \S+ by ada/);
  });

  it("lists hosts that were declared Down with the proof and what ran on them", () => {
    expect(recoveriesTable([], page)).toBe("no host was declared Down\n");
    const evidence = {
      investigator: "redfish",
      verdict: "Down",
      evidence: "asked",
      proof: "PowerState is Off",
      tookMs: 5,
      atMs: nowMs,
    } as const;
    const recovery = {
      agentId: "host-1",
      epoch: 3,
      downAt: at(0),
      evidence: [evidence],
      workloads: [{ resource: "host", name: "vm-1", power: "On" as const }],
    };
    expect(recoveriesTable([recovery], page).split("\n")[1]).toMatch(
      /^host-1 +\S+ \S+ +3 +vm-1 \(On\) +redfish: PowerState is Off$/,
    );
  });
});
