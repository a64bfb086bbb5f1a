import { describe, expect, it } from "vitest";
import type { KvmErrorCode } from "../../../src/resources/kvm/errors.ts";
import {
  isAlreadyActive,
  isEventTimeout,
  isNotRunning,
  virshFailure,
} from "../../../src/resources/kvm/virsh-failure.ts";

// Messages of libvirt 9.0: captured, or taken from its sources where they need a broken host.
const said: readonly (readonly [string, KvmErrorCode])[] = [
  [
    "error: failed to connect to the hypervisor\nerror: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
    "LIBVIRT_UNREACHABLE",
  ],
  [
    "error: failed to connect to the hypervisor\nerror: unable to connect to server at 'host2:16509': Connection refused",
    "LIBVIRT_UNREACHABLE",
  ],
  [
    "error: failed to connect to the hypervisor\nerror: Failed to connect socket to '/run/libvirt/libvirt-sock': Permission denied",
    "LIBVIRT_ACCESS_DENIED",
  ],
  [
    "error: failed to connect to the hypervisor\nerror: authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'",
    "LIBVIRT_ACCESS_DENIED",
  ],
  ["error: Disconnected from qemu:///system due to end of file", "LIBVIRT_CONNECTION_LOST"],
  ["error: Cannot recv data: Connection reset by peer", "LIBVIRT_CONNECTION_LOST"],
  ["error: failed to get domain 'nope'", "VM_NOT_FOUND"],
  ["error: Domain not found: no domain with matching uuid 'x' (nope)", "VM_NOT_FOUND"],
  [
    "error: Failed to destroy domain 'a'\nerror: Requested operation is not valid: domain is not running",
    "VM_NOT_RUNNING",
  ],
  [
    "error: internal error: Attempt to migrate guest to the same host bc0bde16-cb67-474d-b7d2-b02c54190c1b",
    "MIGRATION_SAME_HOST",
  ],
  [
    "error: Failed to connect socket to '/nonexistent': No such file or directory",
    "DESTINATION_UNREACHABLE",
  ],
  [
    "error: unable to connect to server at 'host2:49152': No route to host",
    "DESTINATION_UNREACHABLE",
  ],
  [
    "error: operation failed: domain 'a' already exists with uuid 36398d5b-0093-493f-b869-c66190401faf",
    "VM_EXISTS",
  ],
  [
    "error: Unsafe migration: Migration may lead to data corruption if disks use cache other than none or directsync",
    "MIGRATION_UNSAFE",
  ],
  [
    "error: operation failed: guest CPU doesn't match specification: missing features: avx512f",
    "MIGRATION_INCOMPATIBLE",
  ],
  [
    "error: internal error: qemu unexpectedly closed the monitor: cannot set up guest memory 'pc.ram': Cannot allocate memory",
    "HOST_OUT_OF_MEMORY",
  ],
  [
    "error: Failed to start domain 'a'\nerror: Cannot access storage file '/vm/a.qcow2': No such file or directory",
    "STORAGE_UNAVAILABLE",
  ],
  [
    "error: Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainMigratePerform3Params)",
    "VM_BUSY",
  ],
  [
    "error: Failed to define domain from x\nerror: (domain_definition):3: Opening and ending tag mismatch: vcpu line 3 and domain",
    "INVALID_DEFINITION",
  ],
  ["error: XML error: an os <type> must be specified", "INVALID_DEFINITION"],
  [
    "error: this function is not supported by the connection driver: virDomainMigrate3",
    "UNSUPPORTED_BY_DRIVER",
  ],
  ["error: something new", "LIBVIRT_ERROR"],
  ["", "LIBVIRT_ERROR"],
];

describe("virshFailure", () => {
  it.each(said)("%j - is %s", (stderr, code) => {
    expect(virshFailure("start", stderr).code).toBe(code);
  });

  it("message - carries libvirt's own words, what was run and what to do", () => {
    const { message } = virshFailure("start", "error: failed to get domain 'nope'\n");
    expect(message).toBe(
      "virsh start failed: failed to get domain 'nope'. List the VMs of this host; it may have been moved or undefined.",
    );
  });

  it("refusals that mean the work is done - are told apart", () => {
    expect(isAlreadyActive(virshFailure("start", "error: Domain is already active"))).toBe(true);
    expect(isNotRunning(virshFailure("destroy", "error: domain is not running"))).toBe(true);
    expect(isEventTimeout(virshFailure("event", "event loop timed out\nevents received: 0"))).toBe(
      true,
    );
    const other = virshFailure("start", "error: something else");
    expect([isAlreadyActive(other), isNotRunning(other), isEventTimeout(other)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
