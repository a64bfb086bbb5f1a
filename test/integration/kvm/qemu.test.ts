import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type {
  GetHostStatsAnswer,
  ListVmsAnswer,
  ServerResource,
  StartVmAnswer,
} from "../../../src/api/index.ts";
import { kvmConfig } from "../../../src/resources/kvm/config.ts";
import { KvmResource } from "../../../src/resources/kvm/kvm-resource.ts";
import { createVirsh } from "../../../src/resources/kvm/virsh.ts";
import { missingPrograms, startPrivateLibvirtd, type PrivateLibvirtd } from "./private-libvirtd.ts";
import { kvmResource, run } from "./run-command.ts";
import { obedientDisk, restlessDisk, tinyGuestXml } from "./tiny-guest.ts";

const missing = missingPrograms("virsh", "libvirtd", "qemu-system-x86_64");
const spec = { cpuCount: 1, memoryBytes: 16 * 1024 * 1024 };

describe.skipIf(missing !== "")(
  `kvm on real QEMU guests${missing && ` - skipped: ${missing}`}`,
  () => {
    let host: PrivateLibvirtd;
    let kvm: ServerResource;

    beforeAll(async () => {
      host = await startPrivateLibvirtd();
      kvm = await kvmResource({ uri: host.qemuUri });
    }, 60_000);
    afterAll(() => host.stop(), 60_000);

    const start = async (vm: string, disk?: string) => {
      const definition = tinyGuestXml(vm, disk);
      const answer = await run<StartVmAnswer>(kvm, {
        type: "StartVm",
        vm,
        spec: { ...spec, definition },
      });
      expect(answer).toMatchObject({ result: true, vm: { name: vm, power: "On" } });
    };
    const startObedient = async (vm: string) => {
      await start(vm, await host.addFile(`${vm}.img`, obedientDisk()));
    };
    const remove = async (vm: string) => {
      await run(kvm, { type: "StopVm", vm, force: true });
      await execa("virsh", ["-c", host.qemuUri, "undefine", vm]);
    };

    it("initialize - describes the host that libvirt runs on", async () => {
      const startup = await kvm.initialize();
      expect(startup).toMatchObject({ name: "kvm", resourceType: "kvm" });
      expect(startup.facts).toMatchObject({
        hypervisor: expect.stringMatching(/^QEMU \d/) as string,
        cpuCount: expect.any(Number) as number,
      });
      expect(startup.facts?.["memoryBytes"]).toBeGreaterThan(0);
    });

    it("StartVm - builds a machine from its spec and is a success again when it runs", async () => {
      const vm = `built & "odd" <name>`;
      const first = await run<StartVmAnswer>(kvm, { type: "StartVm", vm, spec });
      expect(first).toMatchObject({ result: true, vm: { name: vm, power: "On", ...spec } });
      const second = await run<StartVmAnswer>(kvm, { type: "StartVm", vm });
      expect(second).toMatchObject({ result: true, details: `"${vm}" runs already.` });
      expect(second.vm?.uuid).toBe(first.vm?.uuid);
      await remove(vm);
    }, 60_000);

    it("ListVms, GetHostStats and currentStatus - see VMs that run and VMs that do not", async () => {
      await start("running");
      await start("stopped");
      await run(kvm, { type: "StopVm", vm: "stopped", force: true });
      const list = await run<ListVmsAnswer>(kvm, { type: "ListVms" });
      expect([...(list.vms ?? [])].sort((a, b) => a.name.localeCompare(b.name))).toEqual([
        { name: "running", uuid: expect.any(String) as string, power: "On", ...spec },
        { name: "stopped", uuid: expect.any(String) as string, power: "Off", ...spec },
      ]);
      expect(await kvm.currentStatus()).toEqual({
        healthy: true,
        workloads: { running: "On", stopped: "Off" },
      });
      const { stats } = await run<GetHostStatsAnswer>(kvm, { type: "GetHostStats" });
      expect(stats).toMatchObject({ vmsRunning: 1, vmsTotal: 2 });
      expect(stats?.memoryFreeBytes).toBeGreaterThan(0);
      expect(stats?.memoryFreeBytes).toBeLessThanOrEqual(stats?.memoryTotalBytes ?? 0);
      await remove("running");
      await remove("stopped");
    }, 60_000);

    it("StopVm - waits until a guest that obeys has shut down, and is a success again when it is off", async () => {
      await startObedient("obedient");
      // Asked again and again, as a guest that still boots loses the first asking.
      const patient = await kvmResource({ uri: host.qemuUri, askAgainMs: 500 });
      const answer = await run(patient, { type: "StopVm", vm: "obedient" });
      expect(answer).toMatchObject({ result: true, vm: { power: "Off" } });
      expect(await run(kvm, { type: "StopVm", vm: "obedient" })).toMatchObject({
        result: true,
        details: '"obedient" is off already.',
      });
      await remove("obedient");
    }, 90_000);

    it("StopVm - a guest that does not obey keeps running until it is forced", async () => {
      await start("deaf");
      const hasty = await kvmResource({ uri: host.qemuUri, guestTimeoutMs: 500 });
      expect(await run(hasty, { type: "StopVm", vm: "deaf" })).toMatchObject({
        result: false,
        errorCode: "VM_STILL_RUNNING",
        details: expect.stringContaining("force") as string,
      });
      expect((await kvm.currentStatus()).workloads).toMatchObject({ deaf: "On" });
      expect(await run(kvm, { type: "StopVm", vm: "deaf", force: true })).toMatchObject({
        result: true,
        vm: { power: "Off" },
      });
      await remove("deaf");
    }, 60_000);

    it("StopVm - a cancel ends the wait and says that the outcome is unknown", async () => {
      await start("cancelled");
      const cancel = new AbortController();
      const config = kvmConfig({ uri: host.qemuUri });
      const virsh = createVirsh({ program: "virsh", uri: config.uri, childrenMax: 4 });
      const cancelling = new KvmResource(config, {
        async run(args, how) {
          const output = await virsh.run(args, how);
          if (args[0] === "shutdown") cancel.abort();
          return output;
        },
      });
      const answer = run(
        cancelling,
        { type: "StopVm", vm: "cancelled" },
        { signal: cancel.signal },
      );
      expect(await answer).toMatchObject({
        result: false,
        errorCode: "CANCELLED",
        outcome: "unknown",
      });
      await remove("cancelled");
    }, 60_000);

    it("RebootVm - waits until the guest came round, and resets one that does not obey when forced", async () => {
      await startObedient("reboots");
      const patient = await kvmResource({ uri: host.qemuUri, guestTimeoutMs: 5_000 });
      // The guest has to be past its BIOS to obey, so the first askings may be lost.
      await vi.waitFor(
        async () => {
          expect(await run(patient, { type: "RebootVm", vm: "reboots" })).toMatchObject({
            result: true,
            details: '"reboots" rebooted.',
            vm: { power: "On" },
          });
        },
        { timeout: 60_000 },
      );
      await remove("reboots");
      await start("deaf");
      const hasty = await kvmResource({ uri: host.qemuUri, guestTimeoutMs: 1_000 });
      expect(await run(hasty, { type: "RebootVm", vm: "deaf" })).toMatchObject({
        result: false,
        errorCode: "VM_DID_NOT_REBOOT",
      });
      expect(await run(kvm, { type: "RebootVm", vm: "deaf", force: true })).toMatchObject({
        result: true,
        vm: { power: "On" },
      });
      await remove("deaf");
    }, 120_000);

    it("definition - is refused when it names another VM, and by libvirt when it makes no sense", async () => {
      const other = { ...spec, definition: tinyGuestXml("other") };
      expect(await run(kvm, { type: "StartVm", vm: "mine", spec: other })).toMatchObject({
        result: false,
        errorCode: "INVALID_DEFINITION",
      });
      const senseless = { ...spec, definition: "<domain type='qemu'><name>mine</name></domain>" };
      expect(await run(kvm, { type: "StartVm", vm: "mine", spec: senseless })).toMatchObject({
        result: false,
        errorCode: "INVALID_DEFINITION",
      });
      expect((await kvm.currentStatus()).workloads).toEqual({});
    }, 60_000);
  },
);

describe.skipIf(missing !== "")(`kvm migration${missing && ` - skipped: ${missing}`}`, () => {
  let here: PrivateLibvirtd;
  let there: PrivateLibvirtd;
  beforeAll(async () => {
    [here, there] = await Promise.all([startPrivateLibvirtd(), startPrivateLibvirtd()]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([here.stop(), there.stop()]);
  }, 60_000);

  it("MigrateVm - moves a running guest with its definition, and says why when it can't", async () => {
    const source = await kvmResource({ uri: here.qemuUri, migrateUri: "tcp://127.0.0.1" });
    const target = await kvmResource({ uri: there.qemuUri });
    const definition = tinyGuestXml("traveller");
    await run(source, { type: "StartVm", vm: "traveller", spec: { ...spec, definition } });
    const migrate = (destination: string) =>
      run(source, { type: "MigrateVm", vm: "traveller", destination });

    expect(await migrate(here.qemuUri)).toMatchObject({ errorCode: "MIGRATION_SAME_HOST" });
    expect(await migrate("qemu+unix:///session?socket=/nowhere")).toMatchObject({
      errorCode: "DESTINATION_UNREACHABLE",
    });
    expect(await migrate("--help")).toMatchObject({ errorCode: "INVALID_COMMAND" });
    expect((await target.currentStatus()).workloads).toEqual({});

    expect(await migrate(there.qemuUri)).toMatchObject({ result: true });
    expect((await source.currentStatus()).workloads).toEqual({});
    expect((await target.currentStatus()).workloads).toEqual({ traveller: "On" });
    expect(await run(target, { type: "StopVm", vm: "traveller", force: true })).toMatchObject({
      result: true,
    });
    expect((await target.currentStatus()).workloads).toEqual({ traveller: "Off" });
  }, 120_000);

  it("MigrateVm - a cancel takes the migration back: the guest runs here, and only here", async () => {
    const disk = await here.addFile("restless.img", restlessDisk());
    const source = await kvmResource({
      uri: here.qemuUri,
      migrateUri: "tcp://127.0.0.1",
      // Both daemons open the same raw file, which libvirt does not know to be safe.
      migrateFlags: ["--unsafe"],
    });
    const target = await kvmResource({ uri: there.qemuUri });
    const vm = "restless";
    const definition = tinyGuestXml(vm, disk);
    await run(source, { type: "StartVm", vm, spec: { ...spec, definition } });
    await execa("virsh", ["-c", here.qemuUri, "migrate-setspeed", vm, "1"]);
    const cancel = new AbortController();
    const answer = run(
      source,
      { type: "MigrateVm", vm, destination: there.qemuUri },
      { signal: cancel.signal },
    );
    await vi.waitFor(
      async () => {
        const { stdout } = await execa("virsh", ["-c", here.qemuUri, "domjobinfo", vm]);
        expect(stdout).toMatch(/Memory processed:\s+[1-9]/);
      },
      { timeout: 60_000, interval: 200 },
    );
    cancel.abort();
    expect(await answer).toMatchObject({ errorCode: "CANCELLED", outcome: "notSent" });
    await vi.waitFor(
      async () => {
        expect((await source.currentStatus()).workloads).toEqual({ [vm]: "On" });
        expect((await target.currentStatus()).workloads).not.toHaveProperty(vm);
      },
      { timeout: 30_000 },
    );
    await run(source, { type: "StopVm", vm, force: true });
  }, 120_000);
});
