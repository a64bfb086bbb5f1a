import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import {
  agentOptions,
  makeHome,
  spawnAgent,
  startAgent,
  startGateway,
  type Home,
} from "./agent-under-test.ts";

const stopVm = (id: string, vm = "vm-1") => ({ type: "StopVm", id, vm });
const journalOf = (home: Home) => readFileSync(join(home.agentDirectory, "journal.jsonl"), "utf8");

/** Kills an agent while a Command hangs after its `started` is on disk; gives what the next run answers. */
async function killedWhileRunning(
  command: { type: string; id: string; vm?: string },
  mode: string,
) {
  const gateway = await startGateway();
  const home = makeHome();
  const faults = { [command.type]: { mode } };
  const agent = spawnAgent(agentOptions(home, [gateway.url], { faults }));
  const session = await gateway.session();
  session.durable(1, [command], { inSequence: true });
  await waitUntil("it is journalled", () => journalOf(home).includes('"started"'));
  if (mode === "drop") await waitUntil("it took effect", () => home.effectsOf(command.id) === 1);
  await agent.kill();
  startAgent(agentOptions(home, [gateway.url]));
  const next = await gateway.session(1);
  next.durable(1, [command], { inSequence: true });
  return { home, answers: await next.answers("durable", 1) };
}

describe("kill -9 between started and Answer", () => {
  test("Command that took effect - the outcome is unknown and it is not run twice", async () => {
    const { home, answers } = await killedWhileRunning(stopVm("c1"), "drop");
    expect(answers).toMatchObject([{ outcome: "unknown", errorCode: "AGENT_CRASHED" }]);
    expect(home.effectsOf("c1")).toBe(1);
  });

  test("Command that took no effect - the outcome is unknown all the same", async () => {
    const { home, answers } = await killedWhileRunning(stopVm("c1"), "hang");
    expect(answers).toMatchObject([{ outcome: "unknown", errorCode: "AGENT_CRASHED" }]);
    expect(home.effectsOf("c1")).toBe(0);
  });

  test("after it was answered - the journalled Answer comes again by itself", async () => {
    const gateway = await startGateway();
    const home = makeHome();
    const agent = spawnAgent(agentOptions(home, [gateway.url]));
    const session = await gateway.session();
    session.durable(1, [stopVm("c1"), stopVm("c2", "vm-2")]);
    const answers = await session.answers("durable", 1);
    await agent.kill();
    startAgent(agentOptions(home, [gateway.url]));
    const next = await gateway.session(1);
    expect(await next.answers("durable", 1)).toEqual(answers);
    expect([home.effectsOf("c1"), home.effectsOf("c2")]).toEqual([1, 1]);
  });

  test("in the middle of a batch - what was answered stays, what ran is unknown, the rest is stopped", async () => {
    const gateway = await startGateway();
    const home = makeHome();
    const faults = { RebootVm: { mode: "hang" } };
    const agent = spawnAgent(agentOptions(home, [gateway.url], { faults }));
    const session = await gateway.session();
    const batch = [stopVm("c1"), { type: "RebootVm", id: "c2", vm: "vm-2" }, stopVm("c3", "vm-2")];
    session.durable(1, batch);
    await waitUntil("the second is journalled", () =>
      journalOf(home).includes('"started","key":"c1","id":"c2"'),
    );
    await agent.kill();
    startAgent(agentOptions(home, [gateway.url]));
    const next = await gateway.session(1);
    next.durable(1, batch);
    expect(await next.answers("durable", 1)).toMatchObject([
      { commandId: "c1", result: true },
      { commandId: "c2", outcome: "unknown" },
      { commandId: "c3", outcome: "notSent", type: "StoppedByPreviousFailureAnswer" },
    ]);
    expect([1, 2, 3].map((i) => home.effectsOf(`c${i}`))).toEqual([1, 0, 0]);
  });

  test("stale lock of a killed agent - is taken over", async () => {
    const gateway = await startGateway();
    const home = makeHome();
    const agent = spawnAgent(agentOptions(home, [gateway.url]));
    await gateway.session();
    await agent.kill();
    expect(readdirSync(home.agentDirectory)).toContain("agent.pid");
    startAgent(agentOptions(home, [gateway.url]));
    expect((await gateway.session(1)).isOpen).toBe(true);
  });
});

describe("idempotent Command", () => {
  test("started in a run that died - is run again", async () => {
    const gateway = await startGateway();
    const home = makeHome();
    mkdirSync(home.agentDirectory, { recursive: true });
    writeFileSync(
      join(home.agentDirectory, "journal.jsonl"),
      '{"t":"request","seq":1,"ids":["c1"]}\n{"t":"started","key":"c1","id":"c1"}\n',
    );
    startAgent(agentOptions(home, [gateway.url]));
    const session = await gateway.session();
    session.durable(1, [{ type: "SimulatorConfigure", id: "c1", health: { healthy: false } }]);
    expect(await session.answers("durable", 1)).toMatchObject([{ result: true }]);
    session.direct(1, [{ type: "CheckHealth", id: "h" }]);
    expect(await session.answers("direct", 1)).toMatchObject([{ result: false }]);
  });
});

describe("damaged journal", () => {
  test("is set aside - what may have run before is answered unknown, new Commands run", async () => {
    const gateway = await startGateway();
    const home = makeHome();
    const agent = startAgent(agentOptions(home, [gateway.url]));
    const session = await gateway.session();
    session.durable(1, [stopVm("c1")]);
    await session.answers("durable", 1);
    session.durable(2, [stopVm("c2", "vm-2")]);
    await session.answers("durable", 2);
    await agent.stop();
    const path = join(home.agentDirectory, "journal.jsonl");
    const lines = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, ["\u0000\u0000 not a line", ...lines.slice(3)].join("\n"));
    const again = startAgent(agentOptions(home, [gateway.url]));
    const next = await gateway.session(1);
    next.durable(1, [stopVm("c1")]);
    next.durable(3, [{ type: "StartVm", id: "c3", vm: "vm-1" }]);
    expect(await next.answers("durable", 1)).toMatchObject([{ outcome: "unknown" }]);
    expect(await next.answers("durable", 3)).toMatchObject([{ result: true }]);
    expect(home.effectsOf("c1")).toBe(1);
    expect(readdirSync(home.agentDirectory).join(" ")).toMatch(/journal\.jsonl\.damaged-\d+/);
    expect(again.lines.join("")).toContain("the journal was damaged");
  });
});
