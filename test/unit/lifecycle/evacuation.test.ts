import { describe, expect, test } from "vitest";
import type { Answer } from "../../../src/api/index.ts";
import {
  endEvacuation,
  evacuationSettings,
  maintenanceEvent,
  onEvacuationAnswers,
  openRequests,
  planEvacuation,
  progressOf,
  readVmList,
  retryEvacuation,
  wayOut,
} from "../../../src/lifecycle/index.ts";
import type { EvacuationCommand, ListedVm } from "../../../src/lifecycle/index.ts";
import { EvacuationModel, type Fate } from "./evacuation-model.ts";

const here = { agentAway: false, earlierPending: false };

/** The host of a MigrateVm that the model's fates look at. */
function asksFor(host: string) {
  return (command: EvacuationCommand) =>
    command.type === "MigrateVm" && command.destination === `to-${host}`;
}

describe("evacuation", () => {
  test("migrate - every machine is moved, spread evenly, and a second list proves it", () => {
    const model = new EvacuationModel(["1", "2", "3", "4"]).claim().play();
    expect(model.evacuation).toMatchObject({ phase: "done", moved: 4, stopped: 0, vms: [] });
    const moves = model.sent.flatMap(({ commands }) => commands);
    const to = (host: string) => moves.filter(asksFor(host)).length;
    expect([to("b"), to("c")]).toEqual([2, 2]);
    expect(moves.filter(({ type }) => type === "ListVms")).toHaveLength(2);
    expect(model.told("moved")).toEqual(["1", "2", "3", "4"]);
  });

  test("stop - needs no other host", () => {
    const model = new EvacuationModel(["1", "2"], [], "stop").claim().play();
    expect(model.evacuation).toMatchObject({ phase: "done", stopped: 2 });
  });

  test("an empty host - is done by its first list", () => {
    const model = new EvacuationModel([]).claim().play();
    expect(model.evacuation.phase).toBe("done");
    expect(model.sent).toHaveLength(1);
  });

  test("a host that is Down - has nothing to evacuate, whatever was under way", () => {
    const model = new EvacuationModel(["1"]);
    model.step({ hostIsDown: true });
    expect(model.evacuation.phase).toBe("done");
    expect(model.sent).toEqual([]);
  });

  test("a cluster that can't spare it - refuses, and names who is being prepared", () => {
    const model = new EvacuationModel(["1"]).claim(["host-9"]);
    expect(model.evacuation).toMatchObject({ phase: "refused" });
    expect(model.evacuation.outcome).toContain("host-9 is being prepared");
  });

  test("Commands at once - are few, and never two for one machine", () => {
    const model = new EvacuationModel(["1", "2", "3", "4", "5", "6"]).claim();
    const [list] = model.step();
    model.answer(list?.requestId ?? "");
    expect(model.step()).toHaveLength(evacuationSettings.atOnce);
    expect(model.step()).toEqual([]);
  });

  test("Commands of an earlier evacuation - are waited for before the list", () => {
    const model = new EvacuationModel(["1"]).claim();
    expect(model.step({ earlierPending: true })).toEqual([]);
    const waits = { agentAway: false, earlierPending: true };
    expect(progressOf(model.evacuation, waits).waitingFor).toContain("earlier evacuation");
    expect(model.step()).toHaveLength(1);
  });

  test("a refusal - asks the next host at once, and steers others away from it", () => {
    const model = new EvacuationModel(["1", "2"]).claim();
    const asksB = asksFor("b");
    model.fateOf = (command) => (asksB(command) ? "refused" : "done");
    model.play();
    expect(model.evacuation).toMatchObject({ phase: "done", moved: 2 });
    expect(model.nowMs).toBe(0);
  });

  test("migrate, nobody takes it - three tries, 30 s apart, then it is named as failed", () => {
    const model = new EvacuationModel(["1", "2"], ["b"]).claim();
    model.fateOf = (command) =>
      command.type === "MigrateVm" && command.vm === "1" ? "refused" : "done";
    model.play();
    expect(model.nowMs).toBe(60_000);
    expect(model.evacuation).toMatchObject({ phase: "failed", moved: 1 });
    expect(model.evacuation.outcome).toContain("1 machine could not be taken off the host: 1");
    expect(progressOf(model.evacuation, here)).toMatchObject({
      total: 2,
      remaining: 1,
      failed: [{ vm: "1", reason: "it was refused by b" }],
    });
  });

  test("migrateElseStop, nobody takes it - it is stopped", () => {
    const model = new EvacuationModel(["1"], ["b"], "migrateElseStop").claim();
    model.fateOf = ({ type }) => (type === "MigrateVm" ? "refused" : "done");
    model.play();
    expect(model.evacuation).toMatchObject({ phase: "done", stopped: 1 });
  });

  test("an unknown outcome - no other host is asked before the next list has told", () => {
    const model = new EvacuationModel(["1"]).claim();
    model.fateOf = ({ type }) => (type === "MigrateVm" ? "unknownButDone" : "done");
    model.play();
    expect(model.evacuation).toMatchObject({ phase: "done", moved: 1 });
    const moves = model.sent.filter(({ commands }) => commands[0]?.type === "MigrateVm");
    expect(moves).toHaveLength(1);
    expect(model.news.map(({ text }) => text)).toContain("1 is no longer on the host");
  });

  test("an agent that was away - the Command is sent again and no try is lost", () => {
    const model = new EvacuationModel(["1"]).claim();
    const fates: Fate[] = ["notDelivered", "notDelivered", "done", "notDelivered", "done"];
    model.fateOf = () => fates.shift() ?? "done";
    model.play();
    expect(model.evacuation).toMatchObject({ phase: "done", moved: 1 });
    expect(model.told("failed")).toEqual([]);
  });

  test("a machine that is reported moved and runs on - counts as a failed try", () => {
    const model = new EvacuationModel(["1"]).claim();
    model.fateOf = ({ type }) => (type === "MigrateVm" ? "lie" : "done");
    model.play();
    expect(model.evacuation.phase).toBe("failed");
    expect(progressOf(model.evacuation, here).failed[0]?.reason).toContain("runs here again");
  });

  test("a machine that somebody starts meanwhile - is found by the next list and moved too", () => {
    const model = new EvacuationModel(["1"]).claim();
    model.fateOf = (command) => {
      if (command.type === "MigrateVm" && command.vm === "1") model.powers.set("late", "On");
      return "done";
    };
    model.play();
    expect(model.evacuation).toMatchObject({ phase: "done", moved: 2 });
  });

  test("a list that fails - is tried three times", () => {
    const model = new EvacuationModel(["1"]).claim();
    model.fateOf = () => "refused";
    model.play();
    expect(model.evacuation).toMatchObject({ phase: "failed" });
    expect(model.evacuation.outcome).toContain("could not list its machines: no room");
    expect(model.sent).toHaveLength(3);
  });

  test("the deadline - ends it, and names what was under way and what had no turn", () => {
    const vms = ["1", "2", "3", "4"];
    const model = new EvacuationModel(vms, ["b"], "migrate", 10_000).claim();
    model.fateOf = ({ type }) => (type === "ListVms" ? "done" : "noAnswer");
    model.play();
    expect(model.nowMs).toBe(10_000);
    expect(model.evacuation.outcome).toBe("The deadline passed with 4 machines still on the host.");
    const { failed } = progressOf(model.evacuation, here);
    expect(failed.map(({ reason }) => reason)).toEqual([
      "MigrateVm was still under way",
      "MigrateVm was still under way",
      "MigrateVm was still under way",
      "its turn did not come",
    ]);
  });

  test("after its end - Answers change nothing", () => {
    const model = new EvacuationModel(["1"]).claim();
    const [list] = model.step();
    endEvacuation(model.evacuation, "cancelled", "by ada", 5);
    const before = structuredClone(model.evacuation);
    const answers: Answer[] = [{ type: "ListVmsAnswer", commandId: "c", result: true }];
    expect(onEvacuationAnswers(model.evacuation, list?.requestId ?? "", answers, 6)).toEqual([]);
    expect(model.evacuation).toEqual(before);
    expect(openRequests(model.evacuation)).toEqual([]);
  });

  test("a retry - gives all tries anew, at once, by another policy and deadline", () => {
    const model = new EvacuationModel(["1"], []).claim();
    const [list] = model.step();
    model.answer(list?.requestId ?? "");
    model.step();
    expect(model.evacuation.phase).toBe("waiting");
    expect(maintenanceEvent(model.evacuation, "PrepareForMaintenance")).toBe("UnableToMigrate");
    retryEvacuation(model.evacuation, { by: "ada", policy: "stop", deadlineMs: 50_000 }, 1_000);
    expect(maintenanceEvent(model.evacuation, "PrepareForMaintenance")).toBeUndefined();
    model.nowMs = 1_000;
    model.play();
    expect(model.evacuation).toMatchObject({ phase: "done", stopped: 1, deadlineAtMs: 51_000 });
    expect(model.nowMs).toBe(1_000);
  });
});

describe("the ResourceState of an evacuation", () => {
  const active = new EvacuationModel(["1"]).evacuation;
  const inPhase = (phase: typeof active.phase, from: typeof active.from = "Enabled") => ({
    ...active,
    phase,
    from,
  });
  const troubled = { ...active, list: { tries: 1, problem: "no list" } };

  test.each([
    ["goes on well", active, "PrepareForMaintenance", undefined],
    ["goes on well", active, "ErrorInPrepareForMaintenance", "ErrorsCorrected"],
    ["has trouble", troubled, "PrepareForMaintenance", "UnableToMigrate"],
    ["has trouble", troubled, "ErrorInPrepareForMaintenance", undefined],
    ["is done", inPhase("done"), "PrepareForMaintenance", "InternalEnterMaintenance"],
    ["is done", inPhase("done"), "ErrorInPrepareForMaintenance", "InternalEnterMaintenance"],
    ["failed", inPhase("failed"), "ErrorInPrepareForMaintenance", "UnableToMaintain"],
    ["is refused", inPhase("refused"), "PrepareForMaintenance", "AdminCancelMaintenance"],
    [
      "is refused again",
      inPhase("refused", "ErrorInMaintenance"),
      "PrepareForMaintenance",
      "UnableToMaintain",
    ],
    ["is cancelled", inPhase("cancelled"), "PrepareForMaintenance", "AdminCancelMaintenance"],
    ["is done", inPhase("done"), "Maintenance", undefined],
    ["failed", inPhase("failed"), "ErrorInMaintenance", undefined],
    ["is cancelled", inPhase("cancelled"), "Enabled", undefined],
  ] as const)("one that %s (%o) in %s - %s", (_what, evacuation, state, event) => {
    expect(maintenanceEvent(evacuation, state)).toBe(event);
  });
});

describe("the way out", () => {
  const hosts = ["b", "c"].map((agentId) => ({ agentId, migrateTo: agentId }));

  test.each([
    ["stop", hosts, {}, [], { type: "stop" }],
    ["migrate", hosts, {}, [], { type: "migrate", destination: hosts[0] }],
    ["migrate", hosts, { b: 1 }, [], { type: "migrate", destination: hosts[1] }],
    ["migrate", hosts, {}, ["b"], { type: "migrate", destination: hosts[1] }],
    ["migrate", hosts, {}, ["b", "c"], { type: "none", why: "it was refused by b, c" }],
    ["migrateElseStop", hosts, {}, ["b", "c"], { type: "stop" }],
    ["migrateElseStop", [], {}, [], { type: "stop" }],
  ] as const)(
    "%s, %j, load %j, refused by %j - %j",
    (policy, destinations, load, refusedBy, way) => {
      expect(wayOut(policy, destinations, load, refusedBy)).toEqual(way);
    },
  );

  test("no other host - says so", () => {
    expect(wayOut("migrate", [], {})).toMatchObject({
      type: "none",
      why: expect.stringContaining("no other host") as string,
    });
  });

  test("a plan - covers what runs, spread evenly, and leaves out what is off", () => {
    const vms: ListedVm[] = ["On", "Off", "Paused", "Unknown"].map((power, no) => ({
      resource: "host",
      name: `vm-${no}`,
      power: power as ListedVm["power"],
    }));
    const plan = planEvacuation("migrate", vms, hosts);
    expect(plan.map(({ vm }) => vm)).toEqual(["vm-0", "vm-2", "vm-3"]);
    expect(plan.map(({ way }) => way.type === "migrate" && way.destination.agentId)).toEqual([
      "b",
      "c",
      "b",
    ]);
  });
});

describe("a list of machines", () => {
  const answer = (fields: object): Answer => ({
    type: "ListVmsAnswer",
    commandId: "c",
    result: true,
    ...fields,
  });

  test("several resources - are put together; one that knows no machines has none", () => {
    const unsupported = { type: "UnsupportedAnswer", commandId: "d", result: false };
    const list = readVmList(
      ["a", "b", "c"],
      [
        answer({ vms: [{ name: "x", power: "On" }] }),
        unsupported,
        answer({
          vms: [
            { name: "x", power: "Off" },
            { name: "x", power: "On" },
          ],
        }),
      ],
    );
    expect(list).toEqual({
      vms: [
        { resource: "a", name: "x", power: "On" },
        { resource: "c", name: "x", power: "Off" },
      ],
    });
  });

  test.each([
    ["no Answer", undefined],
    ["a failure", answer({ result: false, details: "libvirt is away" })],
    ["no list", answer({})],
    ["rubbish", answer({ vms: "none" })],
    ["a nameless machine", answer({ vms: [{ power: "On" }] })],
    ["a machine of an unknown power state", answer({ vms: [{ name: "x", power: "Maybe" }] })],
    ["no machine", answer({ vms: [null] })],
  ])("%s - is a problem, never an empty host", (_what, one) => {
    expect(readVmList(["a"], one === undefined ? [] : [one])).toHaveProperty("problem");
  });
});
