/**
 * The laws of Requests (DESIGN §7), over random sequences of admissions, cancels, losses, renewals and gateways that fail, run
 * by the lifecycle's own code on virtual time. A failing run prints its seed and its shortest sequence.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sizeOf } from "../../src/lifecycle/index.ts";
import { addRecurringFailure, onAddRecurring } from "../../src/workflows/agent/recurring.ts";
import type { AddRecurringMessage } from "../../src/workflows/agent-messages.ts";
import { SimulatedContainer, type Gateway } from "./simulated-container.ts";
import { simulatedNowMs } from "./simulated-temporal.ts";

vi.mock("@temporalio/workflow", async () => ({
  ...(await vi.importActual("@temporalio/workflow")),
  ...(await import("./simulated-temporal.ts")).simulatedWorkflowModule,
}));

let host: SimulatedContainer;
beforeEach(() => {
  vi.spyOn(Date, "now").mockImplementation(simulatedNowMs);
  host = new SimulatedContainer();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const gateways: readonly Gateway[] = [
  "writes",
  "takes none",
  "dies before writing",
  "dies after writing",
  "gives back",
];
type Step =
  | { readonly do: "pass"; readonly ms: number }
  | {
      readonly do: "admit";
      readonly types: readonly string[];
      readonly waitMs: number;
      readonly viaGateway: boolean;
    }
  | { readonly do: "cancel" | "progress"; readonly which: number }
  | { readonly do: "connect" | "lose" | "renew" }
  | { readonly do: "gateway"; readonly gateway: Gateway }
  | { readonly do: "speed"; readonly worksMs: number };

const type = fc.constantFrom("StopVm", "ListVms");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("admit" as const),
      types: fc.array(type, { minLength: 1, maxLength: 3 }),
      waitMs: fc.integer({ min: 1, max: 40_000 }),
      viaGateway: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(12_000) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("cancel" as const, "progress" as const),
      which: fc.nat(30),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom("connect" as const, "lose" as const, "renew" as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("gateway" as const),
      gateway: fc.constantFrom(...gateways),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("speed" as const),
      worksMs: fc.constantFrom(0, 1_000, 20_000),
    }),
  },
);

async function take(one: Step): Promise<void> {
  const { pending } = host.agent.state.mailbox;
  switch (one.do) {
    case "pass":
      await host.agent.pass(one.ms);
      return;
    case "admit":
      host.admit(`r${host.admitted.size}`, one.types, one);
      break;
    case "cancel":
      host.cancel(`r${one.which % Math.max(1, host.admitted.size)}`);
      break;
    case "progress":
      host.tellProgress(pending[one.which % Math.max(1, pending.length)]?.seq ?? 0);
      break;
    case "connect":
      host.connect();
      break;
    case "lose":
      host.lose();
      break;
    case "renew":
      host.agent.renew();
      break;
    case "gateway":
      host.gateway = one.gateway;
      break;
    case "speed":
      host.worksMs = one.worksMs;
      break;
  }
  await host.agent.temporal.settle();
}

/** Laws of what was handed over. */
function judgeDeliveries(): void {
  const given = new Map<string, { readonly runs: number }>();
  for (const { epoch, request, fate, before, runs } of host.deliveries) {
    const key = `${epoch}/${request.seq}`;
    const earlier = given.get(key);
    expect(earlier === undefined || earlier.runs < runs, `${key} was given twice`).toBe(true);
    // Given for certain: only one of unknown fate may be given again to the same session.
    if (fate === "writes") given.set(key, { runs });
    if (request.inSequence) expect(request.after?.seq).toBe(before.at(-1));
    else expect(request).not.toHaveProperty("after");
  }
}

/** Laws of what callers were told. */
function judgeAnswers(note: (what: string) => void): void {
  for (const [id, times] of host.effects) expect(times, `${id} ran twice`).toBe(1);
  const given = new Set(
    host.deliveries
      .filter(({ fate }) => fate === "writes" || fate === "dies after writing")
      .map(({ request }) => request.requestId),
  );
  for (const [requestId, commands] of host.admitted) {
    const [answers, ...again] = host.told.get(requestId) ?? [];
    expect(
      answers?.map(({ commandId }) => commandId),
      `${requestId}: one Answer each`,
    ).toEqual(commands.map(({ id }) => id));
    // A renewal may tell them again, but never others.
    for (const repeated of again) expect(repeated).toEqual(answers);
    for (const { commandId, outcome = "done", errorCode = "" } of answers ?? []) {
      note(`${outcome} ${errorCode}`);
      const ran = host.effects.has(commandId);
      if (outcome === "done") expect(ran, `${commandId} done`).toBe(true);
      if (outcome === "notSent") {
        expect(ran, `${commandId} notSent`).toBe(false);
        if (errorCode === "NOT_DELIVERED_IN_TIME") expect(given).not.toContain(requestId);
      }
    }
  }
}

/** A wait is waited once: what ran out of time did so when its wait was over, to the millisecond. */
function judgeWaits(): void {
  const outOfTime = ["NO_ANSWER_IN_TIME", "NOT_DELIVERED_IN_TIME"];
  for (const { requestId, answers, admittedAtMs = 0, settledAtMs = 0 } of host.agent.state.mailbox
    .finished) {
    if (!answers.some(({ errorCode = "" }) => outOfTime.includes(errorCode))) continue;
    expect(settledAtMs - admittedAtMs, requestId).toBe(waits.get(requestId));
  }
}
const waits = new Map<string, number>();

describe("Requests", () => {
  test("Requests - keep their laws over random sequences of what can happen to them", async () => {
    const seen = new Map<string, number>();
    const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40, size: "max" }),
        async (steps) => {
          host = new SimulatedContainer();
          waits.clear();
          host.connect();
          await host.agent.temporal.settle();
          for (const one of steps) {
            if (one.do === "admit") waits.set(`r${host.admitted.size}`, one.waitMs);
            await take(one);
            expect(host.agent.failure, "the main loop failed").toBeUndefined();
          }
          host.gateway = "writes";
          await host.agent.pass(60_000);
          expect(host.agent.state.mailbox.pending).toEqual([]);
          judgeDeliveries();
          judgeAnswers(note);
          judgeWaits();
        },
      ),
      { numRuns: 60 },
    );
    // Laws over lives in which nothing happens would prove nothing.
    for (const happened of [
      "done ",
      "notSent CANCELLED",
      "notSent NOT_DELIVERED_IN_TIME",
      "unknown NO_ANSWER_IN_TIME",
    ]) {
      expect(seen.get(happened) ?? 0, `${happened} in 300 lives`).toBeGreaterThan(50);
    }
  });

  test("W4 - a cancel ends the very Request that it names, whatever its number and way", async () => {
    host.worksMs = 5_000;
    host.connect();
    host.keepPinging();
    for (const no of [0, 1, 2, 3])
      host.admit(`r${no}`, ["StopVm"], { waitMs: 60_000, viaGateway: no % 2 === 0 });
    await host.agent.pass(0);
    expect([host.cancel("r2"), host.cancel("r2"), host.cancel("r1")]).toEqual([
      "asked",
      "asked",
      "asked",
    ]);
    await host.agent.pass(60_000);
    const seqOf = (requestId: string) =>
      host.deliveries.find(({ request }) => request.requestId === requestId)?.request.seq;
    expect(host.cancels.map(({ seq }) => seq)).toEqual([seqOf("r2"), seqOf("r1")]);
    expect([...host.told.values()].map(([answers]) => answers?.[0]?.outcome ?? "done")).toEqual([
      "done",
      "notSent",
      "notSent",
      "done",
    ]);
  });

  test.each(["takes none", "dies before writing", "gives back"] as const)(
    "W6 - what a gateway that %s was handed is handed over again, not lost",
    async (gateway) => {
      host.gateway = gateway;
      host.connect();
      host.keepPinging();
      host.admit("r0", ["StopVm"], { waitMs: 120_000 });
      await host.agent.pass(40_000);
      expect(host.deliveries.length).toBeGreaterThan(2);
      expect(host.told.size).toBe(0);
      host.gateway = "writes";
      await host.agent.pass(30_000);
      expect(host.deliveries.filter(({ fate }) => fate === "writes")).toHaveLength(1);
      expect(host.told.get("r0")).toMatchObject([[{ result: true }]]);
    },
  );

  test("W6 - a cancel that a busy gateway does not take is asked for again, not lost", async () => {
    host.worksMs = 30_000;
    host.connect();
    host.keepPinging();
    host.admit("r0", ["StopVm"], { waitMs: 120_000, viaGateway: true });
    host.gateway = "takes none";
    host.cancel("r0");
    await host.agent.pass(12_000);
    expect(host.cancels).toEqual([]);
    host.gateway = "writes";
    await host.agent.pass(30_000);
    expect(host.cancels).toEqual([{ epoch: 1, seq: 1 }]);
    expect(host.told.get("r0")).toMatchObject([[{ outcome: "notSent", errorCode: "CANCELLED" }]]);
  });

  test("W16 - a wait is waited once, to the millisecond, and says whether anything was sent", async () => {
    host.worksMs = 3_600_000;
    host.connect();
    host.keepPinging();
    host.admit("sent", ["ListVms"], { waitMs: 10_000 });
    await host.agent.pass(4_000);
    host.lose();
    host.admit("unsent", ["ListVms"], { waitMs: 6_500 });
    await host.agent.pass(5_999);
    expect([...host.told.keys()]).toEqual([]);
    await host.agent.pass(1);
    expect([...host.told.keys()]).toEqual(["sent"]);
    await host.agent.pass(499);
    expect([...host.told.keys()]).toEqual(["sent"]);
    await host.agent.pass(1);
    expect(host.told.get("sent")).toMatchObject([[{ outcome: "unknown" }]]);
    expect(host.told.get("unsent")).toMatchObject([[{ outcome: "notSent" }]]);
  });

  test("a day of Commands - 20,000 with reconnects and renewals: one Answer each, and nothing is left behind", async () => {
    const batches = [["ListVms"], ["StopVm", "StopVm"], ["StopVm", "ListVms"]];
    const ticks = 4_000;
    host.worksMs = 400;
    host.connect();
    host.keepPinging();
    await host.agent.temporal.settle();
    const sizes: number[] = [];
    for (let tick = 0; tick < ticks; tick++) {
      if (tick % 20 === 19) {
        host.lose();
        host.connect();
      }
      for (const [no, types] of batches.entries()) {
        const progress = tick % 10 === 0;
        host.admit(`r${tick}/${no}`, types, { waitMs: 60_000, viaGateway: no === 1, progress });
        if (progress) host.tellProgress(host.agent.state.mailbox.nextSeq - 1);
      }
      if (tick % 25 === 0) host.cancel(`r${tick}/${tick % 3}`);
      await host.agent.pass(86_400_000 / ticks);
      if (tick % (ticks / 4) === ticks / 4 - 1) sizes.push(sizeOf(host.agent.state));
    }
    await host.agent.pass(60_000);
    expect(host.agent.failure).toBeUndefined();
    judgeDeliveries();
    judgeAnswers(() => undefined);
    expect([...host.admitted.values()].flat()).toHaveLength(20_000);
    const { mailbox, errands, unrecorded, redeliver } = host.agent.state;
    expect([mailbox.pending, errands, unrecorded, redeliver]).toEqual([[], [], [], []]);
    expect(host.agent.temporal.timers).toBeLessThanOrEqual(1);
    expect(sizes[3]).toBeLessThan((sizes[0] ?? 0) * 1.05);
    expect(sizes[3]).toBeLessThan(300_000);
    expect(host.agent.renewedAt.length).toBeGreaterThan(50);
    expect(Math.max(...host.agent.renewedAt)).toBeLessThan(1_000);
  });
});

describe("recurring Requests", () => {
  const add = (message: AddRecurringMessage) =>
    host.agent.update(
      (agent) => addRecurringFailure(agent, message),
      (agent) => onAddRecurring(agent, message),
    );
  const health = { name: "health", commands: [{ type: "CheckHealth" }] };
  const view = () => host.agent.state.recurring?.[0];

  test("turns - each is one Request with one Answer; none is caught up, and none overlaps the one before", async () => {
    host.connect();
    host.keepPinging();
    add({ ...health, waitSeconds: 120, schedule: { everySeconds: 60 } });
    await host.agent.pass(600_000);
    expect(view()).toMatchObject({ runs: 10, failed: 0, skipped: 0 });
    // Slower than its beat: every other turn is left out.
    host.worksMs = 70_000;
    await host.agent.pass(600_000);
    expect(view()).toMatchObject({ runs: 15, skipped: 5 });
    expect(view()?.lastSkip?.reason).toContain("goes on");
    // Away: all are.
    host.worksMs = 100;
    host.lose();
    await host.agent.pass(600_000);
    expect(view()).toMatchObject({ runs: 15, skipped: 15 });
    expect(view()?.lastSkip?.reason).toContain("away");
    host.connect();
    host.agent.renew();
    await host.agent.pass(60_000);
    expect(view()).toMatchObject({ runs: 16, skipped: 15 });
    // In maintenance the resource takes nothing.
    host.agent.verb("unmanage");
    await host.agent.pass(60_000);
    expect(view()?.lastSkip?.reason).toContain("Unmanaged");
    host.agent.verb("manage");
    await host.agent.pass(60_000);
    expect(view()).toMatchObject({ runs: 17, skipped: 16 });
    await host.agent.pass(1_000);
    const ids = host.deliveries.map(({ request }) => request.requestId);
    expect(new Set(ids).size).toBe(17);
    expect(host.effects.size).toBe(17);
  });

  test("turns - nobody was there for hours: one is noted as left out, then the beat goes on", async () => {
    host.connect();
    host.keepPinging();
    add({ ...health, schedule: { cron: "0 * * * *" } });
    const dueMs = view()?.nextAtMs ?? 0;
    // As if no worker had been there: the time passes, the lifecycle does not run.
    host.agent.temporal.endRun();
    host.agent.temporal.nowMs = dueMs + 5 * 3_600_000 + 700_000;
    host.agent.renew();
    host.connect();
    await host.agent.pass(0);
    expect(view()).toMatchObject({ runs: 0, skipped: 1, nextAtMs: dueMs + 6 * 3_600_000 });
    await host.agent.pass(3_600_000);
    expect(view()).toMatchObject({ runs: 1, skipped: 1 });
  });

  test("turns - a full mailbox leaves them out, and a failing run is news once", async () => {
    host.connect();
    host.keepPinging();
    host.gateway = "takes none";
    add({ ...health, waitSeconds: 30, schedule: { everySeconds: 60 } });
    await host.agent.pass(180_000);
    expect(view()).toMatchObject({ runs: 3, failed: 2 });
    host.gateway = "writes";
    await host.agent.pass(130_000);
    const news = host.agent.events.filter(({ type }) => type.startsWith("recurring"));
    expect(news.map(({ type }) => type)).toEqual([
      "recurringAdded",
      "recurringFailed",
      "recurringSucceeded",
    ]);
    host.worksMs = 3_600_000;
    for (let no = 0; no < 1_000; no++) host.admit(`r${no}`, ["ListVms"], { waitMs: 3_600_000 });
    await host.agent.pass(60_000);
    expect(view()?.lastSkip?.reason).toContain("wait for this agent already");
  });

  test("removal - ends them, whatever they are at", async () => {
    host.worksMs = 30_000;
    host.connect();
    host.keepPinging();
    add({ ...health, schedule: { everySeconds: 10 } });
    await host.agent.pass(15_000);
    host.agent.verb("unmanage");
    host.agent.remove();
    await host.agent.pass(60_000);
    expect(host.agent.state).toMatchObject({ status: "Removed", recurring: [] });
    expect(host.agent.over).toBe(true);
  });
});
