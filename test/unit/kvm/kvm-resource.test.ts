import { describe, expect, it } from "vitest";
import type { GetHostStatsAnswer } from "../../../src/api/index.ts";
import { kvmConfig } from "../../../src/resources/kvm/config.ts";
import { KvmResource } from "../../../src/resources/kvm/kvm-resource.ts";
import * as captured from "./captured.ts";
import { FakeVirsh, type Said } from "./fake-virsh.ts";

const { uuid, otherUuid } = captured;
const unreachable = {
  stderr:
    "error: failed to connect to the hypervisor\nerror: Failed to connect socket to '/x': No such file or directory\n",
};
const lost = { stderr: "error: Disconnected from qemu:///system due to end of file\n" };

/** A host with the VM "tiny one" on and the VM "7" off; `changes` says otherwise for commands that begin so. */
function hostWith(changes: Readonly<Record<string, Said>> = {}, config = {}) {
  const usual: Readonly<Record<string, Said>> = {
    list: captured.list,
    domstats: captured.domstats,
    [`dominfo ${uuid}`]: captured.dominfo("tiny one", uuid, "running"),
    [`dominfo ${otherUuid}`]: captured.dominfo("7", otherUuid, "shut off"),
    nodeinfo: captured.nodeinfo,
    nodememstats: captured.nodememstats,
    nodecpustats: captured.nodecpustats(1, 1),
    hostname: "vm\n",
    version: captured.version,
    capabilities: captured.capabilities(["qemu", "kvm"]),
  };
  const virsh = new FakeVirsh((command) => {
    for (const known of [changes, usual]) {
      const found = Object.keys(known).find((start) => command.startsWith(start));
      if (found !== undefined) return known[found] ?? "";
    }
    return "";
  });
  const resource = new KvmResource(kvmConfig(config), virsh);
  const run = (type: string, fields: Readonly<Record<string, unknown>> = {}) =>
    resource.executeRequest(
      { type, id: "1", ...fields },
      { signal: new AbortController().signal, waitMs: 60_000 },
    );
  return { virsh, resource, run };
}

describe("kvm resource", () => {
  it("initialize - tells what people want to know of the host", async () => {
    const { resource } = hostWith(
      {},
      {
        uri: "qemu+ssh://root@host2/system",
        probePorts: [22],
        migrateTo: "qemu+ssh://root@host2/system",
      },
    );
    expect(await resource.initialize()).toEqual({
      name: "kvm",
      resourceType: "kvm",
      version: "1.0.0",
      address: "host2",
      probePorts: [22],
      migrateTo: "qemu+ssh://root@host2/system",
      facts: {
        hostname: "vm",
        hypervisor: "QEMU 7.2.22",
        libvirt: "libvirt 9.0.0",
        cpuCount: 2,
        cpuModel: "kvm64",
        memoryBytes: 6_382_148 * 1024,
        arch: "x86_64",
        hardwareVirtualisation: true,
      },
    });
  });

  it.each([
    [{}, "vm"],
    [{ address: "10.0.0.7", uri: "qemu+ssh://host2/system" }, "10.0.0.7"],
    [{ uri: "qemu+tls://[fe80::7]/system" }, "fe80::7"],
  ])(
    "address - is the given one, else the URI's host, else the host name: %j",
    async (config, address) => {
      expect(await hostWith({}, config).resource.initialize()).toMatchObject({ address });
    },
  );

  it("ListVms - takes two children however many VMs there are", async () => {
    const { run, virsh } = hostWith();
    expect(await run("ListVms")).toEqual({
      type: "ListVmsAnswer",
      result: true,
      vms: [
        { name: "tiny one", uuid, power: "On", cpuCount: 1, memoryBytes: 16_777_216 },
        { name: "7", uuid: otherUuid, power: "Off", cpuCount: 2, memoryBytes: 33_554_432 },
      ],
    });
    expect(virsh.asked).toHaveLength(2);
  });

  it("ListVms - asks for the rest in one child where the driver has no domstats", async () => {
    const both = `dominfo ${uuid}; dominfo ${otherUuid}; hostname`;
    const { run, virsh } = hostWith({
      domstats: captured.notSupported,
      [both]: `${captured.dominfo("tiny one", uuid, "paused")}${captured.dominfo("7", otherUuid, "shut off")}vm\n`,
    });
    expect(await run("ListVms")).toMatchObject({
      vms: [
        { name: "tiny one", power: "Paused", memoryBytes: 16_777_216 },
        { name: "7", power: "Off" },
      ],
    });
    expect(virsh.asked.filter((command) => command.startsWith("dominfo"))).toEqual([both]);
  });

  it("currentStatus - takes one child; a libvirt that is away is unhealthy and no error", async () => {
    const { resource, virsh } = hostWith();
    expect(await resource.currentStatus()).toEqual({
      healthy: true,
      workloads: { "tiny one": "On", "7": "Off" },
    });
    expect(virsh.asked).toEqual(["domstats --nowait --state"]);
    const away = await hostWith({ domstats: unreachable }).resource.currentStatus();
    expect(away.healthy).toBe(false);
    expect(away.details).toContain("Check that libvirtd");
  });

  it("GetHostStats - tells the CPU share since the last asking, from the second on", async () => {
    let usedNs = 0;
    let idleNs = 0;
    const { run } = hostWith({
      get nodecpustats() {
        usedNs += 25;
        idleNs += 75;
        return captured.nodecpustats(usedNs, idleNs);
      },
    });
    const first = (await run("GetHostStats")) as Omit<GetHostStatsAnswer, "commandId">;
    expect(first.stats).toEqual({
      hostname: "vm",
      cpuCount: 2,
      memoryTotalBytes: 24_682_416 * 1024,
      memoryFreeBytes: (23_014_804 + 5_348 + 1_031_376) * 1024,
      vmsRunning: 1,
      vmsTotal: 2,
    });
    const second = (await run("GetHostStats")) as Omit<GetHostStatsAnswer, "commandId">;
    expect(second.stats?.cpuUsed).toBe(0.25);
  });

  it("a VM named like another's number - is asked for by its UUID", async () => {
    const { run, virsh } = hostWith();
    await run("StartVm", { vm: "7" });
    expect(virsh.asked).toContain(`start ${otherUuid}`);
    expect(virsh.asked.join("\n")).not.toMatch(/ 7$/m);
  });

  it("StartVm - somebody else was quicker: a success", async () => {
    const { run } = hostWith({ start: { stderr: "error: Domain is already active\n" } });
    expect(await run("StartVm", { vm: "7" })).toMatchObject({ result: true });
  });

  it("StartVm - a paused VM is not called started", async () => {
    const paused = captured.dominfo("tiny one", uuid, "paused");
    const { run, virsh } = hostWith({ [`dominfo ${uuid}`]: paused });
    expect(await run("StartVm", { vm: "tiny one" })).toMatchObject({
      result: false,
      errorCode: "VM_PAUSED",
    });
    expect(virsh.asked.some((command) => command.startsWith("start"))).toBe(false);
  });

  it("StopVm - a VM that keeps no definition is off when it is gone", async () => {
    const gone = { stderr: `error: failed to get domain '${uuid}'\n` };
    const looks: Said[] = [captured.dominfo("tiny one", uuid, "running"), gone];
    const { run } = hostWith({
      get [`dominfo ${uuid}`]() {
        return looks.shift() ?? gone;
      },
    });
    expect(await run("StopVm", { vm: "tiny one" })).toEqual({
      type: "StopVmAnswer",
      result: true,
      details: '"tiny one" shut down.',
      vm: { name: "tiny one", uuid, power: "Off" },
    });
  });

  it("MigrateVm - takes the definition along, so that the VM can't be started twice", async () => {
    const { run, virsh } = hostWith({}, { migrateFlags: ["--p2p"], migrateUri: "tcp://10.0.0.2" });
    const destination = "qemu+ssh://host2/system";
    expect(await run("MigrateVm", { vm: "tiny one", destination })).toMatchObject({ result: true });
    expect(virsh.asked.at(-1)).toBe(
      `migrate --live --persistent --undefinesource --p2p --migrateuri=tcp://10.0.0.2 --domain=${uuid} --desturi=${destination}`,
    );
  });

  it("outcome - notSent when libvirt was never reached, unknown when it went away in the middle, absent when it refused", async () => {
    const away = await hostWith({ list: unreachable }).run("StartVm", { vm: "7" });
    expect(away).toMatchObject({ errorCode: "LIBVIRT_UNREACHABLE", outcome: "notSent" });
    const before = await hostWith({ list: lost }).run("StartVm", { vm: "7" });
    expect(before).toMatchObject({ errorCode: "LIBVIRT_CONNECTION_LOST", outcome: "notSent" });
    const middle = await hostWith({ start: lost }).run("StartVm", { vm: "7" });
    expect(middle).toMatchObject({ errorCode: "LIBVIRT_CONNECTION_LOST", outcome: "unknown" });
    const late = await hostWith({ start: unreachable }).run("StartVm", { vm: "7" });
    expect(late).toMatchObject({ errorCode: "LIBVIRT_UNREACHABLE", outcome: "notSent" });
    const refused = await hostWith({ start: { stderr: "error: no" } }).run("StartVm", { vm: "7" });
    expect(refused).toMatchObject({ result: false, errorCode: "LIBVIRT_ERROR" });
    expect(refused).not.toHaveProperty("outcome");
  });

  it.each([
    ["StartVm", { vm: 5 }],
    ["StartVm", { vm: "new", spec: { cpuCount: "2", memoryBytes: 1 } }],
    ["StartVm", { vm: "new", spec: { cpuCount: 1, memoryBytes: 1, definition: 3 } }],
    ["StopVm", { vm: "7", force: "yes" }],
    ["MigrateVm", { vm: "7", destination: "--help" }],
    ["CheckOnHost", { host: "h" }],
    ["CheckOnHost", { host: { agentId: "a", address: "--help" } }],
    ["CheckOnHost", { host: { agentId: "a", address: "h", probePorts: ["22"] } }],
  ])("%s with wrong fields - is refused: %j", async (type, fields) => {
    expect(await hostWith().run(type, fields)).toMatchObject({
      type: `${type}Answer`,
      result: false,
      errorCode: "INVALID_COMMAND",
    });
  });

  it("CheckOnHost - without an address says what to set", async () => {
    expect(await hostWith().run("CheckOnHost", { host: { agentId: "a" } })).toMatchObject({
      result: false,
      errorCode: "NO_ADDRESS",
    });
  });

  it("an unknown Command type - is Unsupported", async () => {
    expect(await hostWith().run("Dance")).toMatchObject({ type: "UnsupportedAnswer" });
  });
});
