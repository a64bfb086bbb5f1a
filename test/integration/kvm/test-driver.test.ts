import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ListVmsAnswer, ServerResource, StartVmAnswer } from "../../../src/api/index.ts";
import { missingPrograms, startPrivateLibvirtd, type PrivateLibvirtd } from "./private-libvirtd.ts";
import { kvmResource, run } from "./run-command.ts";

const noVirsh = missingPrograms("virsh");
const noDaemon = missingPrograms("virsh", "libvirtd");
const spec = { cpuCount: 2, memoryBytes: 64 * 1024 * 1024 };

describe.skipIf(noVirsh !== "")(
  `kvm without a daemon${noVirsh && ` - skipped: ${noVirsh}`}`,
  () => {
    it("test:///default - works with any connection URI that virsh takes", async () => {
      const kvm = await kvmResource({ uri: "test:///default" });
      expect(await run(kvm, { type: "CheckHealth" })).toMatchObject({ result: true });
      expect(await kvm.initialize()).toMatchObject({
        facts: { hypervisor: expect.stringContaining("TEST") as string, cpuCount: 16 },
      });
    });

    it("ListVms - lists more VMs than one virsh child is asked for at once", async () => {
      const folder = await mkdtemp(join(tmpdir(), "muster-kvm-test-"));
      try {
        const names = Array.from({ length: 150 }, (_, no) => `vm-${no}`);
        const domains = names.map(
          (name) =>
            `<domain type="test"><name>${name}</name><uuid>${randomUUID()}</uuid><memory>65536</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>`,
        );
        await writeFile(join(folder, "host.xml"), `<node>${domains.join("")}</node>`);
        const kvm = await kvmResource({ uri: `test://${join(folder, "host.xml")}` });
        const { vms } = await run<ListVmsAnswer>(kvm, { type: "ListVms" });
        expect(vms?.map((vm) => vm.name).sort()).toEqual(names.sort());
        expect(vms?.find((vm) => vm.name === "vm-149")).toMatchObject({ power: "On", ...spec });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });

    it("a daemon that is not there - is unhealthy, LIBVIRT_UNREACHABLE, and nothing was sent", async () => {
      const kvm = await kvmResource({ uri: "qemu+unix:///session?socket=/nowhere/libvirt-sock" });
      const status = await kvm.currentStatus();
      expect(status.healthy).toBe(false);
      expect(status.details).toContain("Check that libvirtd");
      expect(await run(kvm, { type: "StartVm", vm: "any" })).toMatchObject({
        type: "StartVmAnswer",
        result: false,
        errorCode: "LIBVIRT_UNREACHABLE",
        outcome: "notSent",
      });
      await expect(kvm.initialize()).rejects.toMatchObject({ code: "LIBVIRT_UNREACHABLE" });
    });

    it("no virsh - says what to install", async () => {
      const kvm = await kvmResource({ virsh: "no-such-virsh" });
      expect(await run(kvm, { type: "CheckHealth" })).toMatchObject({
        result: false,
        errorCode: "VIRSH_MISSING",
        details: expect.stringContaining("libvirt-clients") as string,
      });
    });
  },
);

describe.skipIf(noDaemon !== "")(
  `kvm on libvirt's test driver${noDaemon && ` - skipped: ${noDaemon}`}`,
  () => {
    let host: PrivateLibvirtd;
    let kvm: ServerResource;
    beforeAll(async () => {
      host = await startPrivateLibvirtd({ listens: true });
      kvm = await kvmResource({ uri: host.testUri });
    }, 60_000);
    afterAll(() => host.stop(), 60_000);

    it("Commands - find, stop, start and reboot the VM of the pretended host", async () => {
      expect(await kvm.currentStatus()).toEqual({ healthy: true, workloads: { test: "On" } });
      expect(await run(kvm, { type: "StopVm", vm: "test" })).toMatchObject({
        result: true,
        vm: { name: "test", power: "Off" },
      });
      expect((await kvm.currentStatus()).workloads).toEqual({ test: "Off" });
      expect(await run(kvm, { type: "RebootVm", vm: "test" })).toMatchObject({
        result: false,
        errorCode: "VM_NOT_RUNNING",
      });
      expect(await run(kvm, { type: "StartVm", vm: "test" })).toMatchObject({ result: true });
      expect(await run(kvm, { type: "RebootVm", vm: "test" })).toMatchObject({
        result: true,
        details: expect.stringContaining("does not tell") as string,
      });
    });

    it.each(["tcpUri", "tlsUri"] as const)(
      "%s - a host over the network takes the same Commands, and is the address of its own probes",
      async (name) => {
        const remote = await kvmResource({ uri: host[name] });
        const stopped = await run(remote, { type: "StopVm", vm: "test", force: true });
        expect(stopped).toMatchObject({ result: true, vm: { power: "Off" } });
        expect((await kvm.currentStatus()).workloads).toEqual({ test: "Off" });
        expect(await run(remote, { type: "StartVm", vm: "test" })).toMatchObject({ result: true });
        expect(await remote.initialize()).toMatchObject({ address: "127.0.0.1" });
      },
    );

    it("tlsUri - without a certificate nothing is sent, and the Answer says where it was looked for", async () => {
      const uri = host.tlsUri.replace(/pki$/, "nothing");
      const remote = await kvmResource({ uri });
      const answer = await run(remote, { type: "StopVm", vm: "test" });
      expect(answer).toMatchObject({ errorCode: "LIBVIRT_UNREACHABLE", outcome: "notSent" });
      expect(answer.details).toContain("/nothing/cacert.pem");
    });

    it("GetHostStats - does without the figures that the driver lacks", async () => {
      expect(await run(kvm, { type: "GetHostStats" })).toMatchObject({
        result: true,
        stats: { cpuCount: 16, memoryTotalBytes: 3_221_225_472, vmsRunning: 1, vmsTotal: 1 },
      });
    });

    it("MigrateVm - says when the driver can't", async () => {
      expect(
        await run(kvm, { type: "MigrateVm", vm: "test", destination: "test:///default" }),
      ).toMatchObject({ result: false, errorCode: "UNSUPPORTED_BY_DRIVER" });
    });

    it("names - are taken as names, whatever virsh would make of them", async () => {
      // "1" is the number of the running VM "test", and "--help" an option.
      expect(await run(kvm, { type: "StopVm", vm: "1", force: true })).toMatchObject({
        errorCode: "VM_NOT_FOUND",
      });
      for (const vm of ["--help", "1", "two words", "semi; colon", "$(reboot)", "'quoted'"]) {
        const started = await run<StartVmAnswer>(kvm, { type: "StartVm", vm, spec });
        expect(started).toMatchObject({ result: true, vm: { name: vm, power: "On", ...spec } });
        const stopped = await run(kvm, { type: "StopVm", vm, force: true });
        expect(stopped).toMatchObject({ result: true, vm: { name: vm, power: "Off" } });
      }
      expect((await kvm.currentStatus()).workloads).toMatchObject({ test: "On" });
      for (const vm of ["", " edge", "a/b", "line\nbreak", 7]) {
        expect(await run(kvm, { type: "StartVm", vm, spec })).toMatchObject({
          errorCode: "INVALID_COMMAND",
        });
      }
    }, 60_000);

    it("a daemon that hangs - costs a Command its time limit and not more", async () => {
      const brief = await kvmResource({ uri: host.testUri, commandTimeoutMs: 500 });
      process.kill(host.pid, "SIGSTOP");
      try {
        expect(await run(brief, { type: "CheckHealth" })).toMatchObject({
          result: false,
          errorCode: "TIMED_OUT",
          outcome: "notSent",
        });
        expect(await brief.currentStatus()).toMatchObject({ healthy: false });
      } finally {
        process.kill(host.pid, "SIGCONT");
      }
      expect(await run(kvm, { type: "CheckHealth" })).toMatchObject({ result: true });
    }, 60_000);
  },
);
