import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Answer, ServerResource } from "../../../src/api/index.ts";
import { readEffects } from "../../../src/resources/simulator/effects.ts";
import createSimulator from "../../../src/resources/simulator/index.ts";
import {
  SimulatorConfigureCommand,
  SimulatorReportCommand,
} from "../../../src/resources/simulator/simulator-commands.ts";
import { noManager } from "../../helpers/no-manager.ts";

const made: ServerResource[] = [];
const directories: string[] = [];
afterEach(async () => {
  for (const resource of made.splice(0)) await resource.close?.();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

async function host(agentId = "h1", config: Readonly<Record<string, unknown>> = {}) {
  const resource = await createSimulator({ agentId, config, manager: noManager });
  made.push(resource);
  let count = 0;
  const send = (
    type: string,
    fields: Readonly<Record<string, unknown>> = {},
    signal: AbortSignal = new AbortController().signal,
  ) =>
    resource.executeRequest(
      { id: `${agentId}-${++count}`, ...fields, type },
      { signal, waitMs: 1_000 },
    ) as Promise<Omit<Answer, "commandId"> & Readonly<Record<string, unknown>>>;
  const powers = async () => (await resource.currentStatus()).workloads;
  return { resource, send, powers };
}

const gib = 1024 ** 3;

describe("host Commands", () => {
  test("GetHostStats, ListVms - show what is there", async () => {
    const { send } = await host("h1", { vms: 2, cpuCount: 4, memoryBytes: 8 * gib });
    expect(await send("GetHostStats")).toMatchObject({
      type: "GetHostStatsAnswer",
      stats: {
        hostname: "h1",
        cpuCount: 4,
        memoryTotalBytes: 8 * gib,
        memoryFreeBytes: 6 * gib,
        vmsRunning: 2,
        vmsTotal: 2,
      },
    });
    expect(await send("ListVms")).toMatchObject({
      type: "ListVmsAnswer",
      vms: [{ name: "vm-1", power: "On" }, { name: "vm-2" }],
    });
  });

  test("StopVm, StartVm, RebootVm - change the VM's power", async () => {
    const { send, powers } = await host("h1", { vms: 1 });
    expect(await send("StopVm", { vm: "vm-1" })).toMatchObject({ vm: { power: "Off" } });
    expect(await powers()).toEqual({ "vm-1": "Off" });
    expect(await send("RebootVm", { vm: "vm-1" })).toMatchObject({ errorCode: "VM_NOT_RUNNING" });
    expect(await send("StartVm", { vm: "vm-1" })).toMatchObject({ vm: { power: "On" } });
    expect(await send("RebootVm", { vm: "vm-1" })).toMatchObject({ result: true });
  });

  test("StartVm - defines a VM with a spec, refuses one without and one that does not fit", async () => {
    const { send, powers } = await host("h1", { vms: 0, memoryBytes: 4 * gib });
    const spec = { cpuCount: 2, memoryBytes: 3 * gib };
    expect(await send("StartVm", { vm: "new" })).toMatchObject({ errorCode: "VM_NOT_FOUND" });
    expect(await send("StartVm", { vm: "new", spec })).toMatchObject({ result: true });
    expect(await send("StartVm", { vm: "more", spec })).toMatchObject({ errorCode: "NO_MEMORY" });
    expect(await powers()).toEqual({ new: "On" });
  });

  test("MigrateVm - moves the VM to another host of the process", async () => {
    const one = await host("h1", { vms: 1 });
    const two = await host("h2", { vms: 0 });
    const move = { vm: "vm-1", destination: "h2" };
    expect(await one.send("MigrateVm", move)).toMatchObject({ result: true });
    expect([await one.powers(), await two.powers()]).toEqual([{}, { "vm-1": "On" }]);
    expect(await one.send("MigrateVm", move)).toMatchObject({ errorCode: "VM_NOT_FOUND" });
    expect(await two.send("MigrateVm", { vm: "vm-1", destination: "h9" })).toMatchObject({
      errorCode: "DESTINATION_NOT_FOUND",
    });
  });

  test("vmPrefix - machines of a fleet keep their own names wherever they are moved", async () => {
    const one = await host("h1", { vms: 1, vmPrefix: "h1-vm-" });
    const two = await host("h2", { vms: 1, vmPrefix: "h2-vm-" });
    expect(await one.resource.initialize()).toMatchObject({ migrateTo: "h1" });
    // The short name means the host's own machine.
    expect(await one.send("MigrateVm", { vm: "vm-1", destination: "h2" })).toMatchObject({
      result: true,
    });
    expect(await two.powers()).toEqual({ "h2-vm-1": "On", "h1-vm-1": "On" });
    expect(await two.send("StopVm", { vm: "vm-1" })).toMatchObject({ vm: { name: "h2-vm-1" } });
    expect(await one.send("StopVm", { vm: "vm-1" })).toMatchObject({ errorCode: "VM_NOT_FOUND" });
  });

  test("MigrateVm - to a host that has no room changes nothing", async () => {
    const one = await host("h1", { vms: 1 });
    const full = await host("h2", { vms: 0, memoryBytes: 0 });
    const answer = await one.send("MigrateVm", { vm: "vm-1", destination: "h2" });
    expect(answer).toMatchObject({ errorCode: "NO_MEMORY" });
    expect([await one.powers(), await full.powers()]).toEqual([{ "vm-1": "On" }, {}]);
  });

  test("CheckOnHost - sees hosts of the process, knows nothing of others", async () => {
    const { send } = await host("h1");
    const two = await host("h2");
    expect(await send("CheckOnHost", { host: { agentId: "h2" } })).toMatchObject({ seen: true });
    await two.resource.close?.();
    const answer = await send("CheckOnHost", { host: { agentId: "h2" } });
    expect(answer).toMatchObject({ result: true, seen: false });
    expect(answer).not.toHaveProperty("proofOfDeath");
  });

  test("fields of the wrong type, unknown types - are refused, not run", async () => {
    const { send } = await host();
    expect(await send("StopVm", { vm: 5 })).toMatchObject({ errorCode: "BAD_FIELD" });
    expect(await send("StartVm", { vm: "x", spec: { cpuCount: "2" } })).toMatchObject({
      errorCode: "BAD_FIELD",
    });
    expect(await send("Teleport")).toMatchObject({ type: "UnsupportedAnswer" });
  });
});

describe("faults", () => {
  test("fail, throw - no effect; times - then it is over", async () => {
    const { send, powers } = await host("h1", {
      vms: 1,
      faults: { StopVm: { mode: "fail", times: 1 }, RebootVm: { mode: "throw" } },
    });
    expect(await send("StopVm", { vm: "vm-1" })).toMatchObject({ errorCode: "SIMULATED_FAILURE" });
    expect(await powers()).toEqual({ "vm-1": "On" });
    await expect(send("RebootVm", { vm: "vm-1" })).rejects.toThrow("programmed to throw");
    expect(await send("StopVm", { vm: "vm-1" })).toMatchObject({ result: true });
  });

  test("hang - until it is aborted; delay - is cut short by an abort", async () => {
    const { send } = await host("h1", {
      faults: { StopVm: { mode: "hang" }, RebootVm: { delayMs: 3_600_000 } },
    });
    const controller = new AbortController();
    const hangs = send("StopVm", { vm: "vm-1" }, controller.signal);
    const delayed = send("RebootVm", { vm: "vm-1" }, controller.signal);
    controller.abort();
    await expect(hangs).rejects.toThrow("hung");
    await expect(delayed).rejects.toThrow();
  });

  test("drop, rubbish - take effect", async () => {
    const { send, powers } = await host("h1", {
      faults: { StopVm: { mode: "drop" }, "*": { mode: "rubbish" } },
    });
    void send("StopVm", { vm: "vm-1" });
    expect(await powers()).toEqual({ "vm-1": "Off", "vm-2": "On" });
    expect(await send("StartVm", { vm: "vm-1" })).toBe("rubbish");
    expect(await powers()).toEqual({ "vm-1": "On", "vm-2": "On" });
  });

  test("SimulatorConfigure - programs faults and health while it runs, even under *", async () => {
    const { resource, send } = await host("h1", { faults: { "*": { mode: "throw" } } });
    const command = new SimulatorConfigureCommand({
      faults: {},
      health: { healthy: false, details: "hot" },
    });
    expect(
      await send(command.type, { faults: command.faults, health: command.health, id: "c" }),
    ).toMatchObject({ result: true });
    expect(await send("CheckHealth")).toMatchObject({ result: false, details: "hot" });
    expect(await resource.currentStatus()).toMatchObject({ healthy: false, details: "hot" });
    expect(await send("SimulatorConfigure", { faults: { A: { mode: "no" } } })).toMatchObject({
      errorCode: "SIMULATOR_CONFIG",
    });
  });
});

describe("effects", () => {
  test("SimulatorReport - counts effects by Command id; what changes nothing is none", async () => {
    const { send } = await host("h1", { vms: 1 });
    await send("StopVm", { vm: "vm-1", id: "s1" });
    await send("StopVm", { vm: "vm-1", id: "s2" });
    await send("StartVm", { vm: "vm-1", id: "s3" });
    const { type } = new SimulatorReportCommand();
    expect(await send(type)).toMatchObject({ effects: { s1: 1, s3: 1 } });
  });

  test("state file - a restart knows what happened, and others can count", async () => {
    const directory = mkdtempSync(join(tmpdir(), "muster-simulator-"));
    directories.push(directory);
    const stateFile = join(directory, "deep", "state.jsonl");
    const first = await host("h1", { vms: 1, stateFile });
    await first.send("StopVm", { vm: "vm-1", id: "s1" });
    await first.send("StartVm", { vm: "n", id: "s2", spec: { cpuCount: 1, memoryBytes: 1 } });
    const second = await host("h1", { vms: 1, stateFile });
    expect(await second.powers()).toEqual({ "vm-1": "Off", n: "On" });
    expect(await second.send("SimulatorReport")).toMatchObject({ effects: { s1: 1, s2: 1 } });
    expect(readEffects(stateFile).map(({ id }) => id)).toEqual(["s1", "s2"]);
  });
});

describe("settings", () => {
  test.each([
    [{ vms: -1 }, "vms"],
    [{ color: "red" }, "color"],
    [{ faults: { StopVm: { mode: "explode" } } }, "faults.StopVm.mode"],
    [{ faults: { StopVm: { delayMs: "1" } } }, "faults.StopVm.delayMs"],
    [{ probePorts: "22" }, "probePorts"],
  ])("%j - refused, naming the setting", async (config, setting) => {
    await expect(async () =>
      createSimulator({ agentId: "h", config, manager: noManager }),
    ).rejects.toThrow(new RegExp(`^${setting}: `));
  });
});
