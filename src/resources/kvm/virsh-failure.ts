import { KvmError, type KvmErrorCode } from "./errors.ts";

interface Failure {
  readonly code: KvmErrorCode;
  /** Matched against virsh's messages in the C locale. */
  readonly pattern: RegExp;
  /** What the operator can do. */
  readonly advice: string;
}

/**
 * virsh gives libvirt's error codes only as text, so this table reads the text. First match wins; whatever
 * is not in it is LIBVIRT_ERROR with libvirt's own words. Messages: libvirt's src/util/virerror.c and the qemu driver.
 */
const failures: readonly Failure[] = [
  {
    code: "MIGRATION_SAME_HOST",
    pattern: /migrate guest to the same host/i,
    advice: "Name another host as the destination.",
  },
  {
    code: "LIBVIRT_ACCESS_DENIED",
    pattern: /permission denied|authentication (failed|unavailable|cancelled)|access denied/i,
    advice:
      "Let the agent's user use libvirt (group libvirt, or a polkit rule) or change the connection URI.",
  },
  {
    code: "LIBVIRT_UNREACHABLE",
    pattern: /failed to connect to the hypervisor/i,
    advice: "Check that libvirtd (or virtqemud) runs there and that the connection URI is right.",
  },
  {
    // Only a migration connects anywhere after the hypervisor itself.
    code: "DESTINATION_UNREACHABLE",
    pattern:
      /failed to connect socket|unable to connect to server|unable to resolve address|no route to host/i,
    advice: "Check that libvirt listens at the destination and that this host may connect to it.",
  },
  {
    code: "LIBVIRT_CONNECTION_LOST",
    pattern:
      /end of file while reading data|client socket is closed|cannot recv data|connection reset|keepalive|disconnected from .* due to/i,
    advice: "libvirtd went away in the middle; look at its log, then at the VM's state.",
  },
  {
    code: "VM_NOT_FOUND",
    pattern: /failed to get domain|domain not found|no domain with matching/i,
    advice: "List the VMs of this host; it may have been moved or undefined.",
  },
  {
    code: "VM_EXISTS",
    pattern:
      /domain .* already exists with uuid|already defined with uuid|domain is already active as/i,
    advice: "Another VM has that name or UUID there: undefine or rename one of the two.",
  },
  {
    code: "MIGRATION_UNSAFE",
    pattern: /unsafe migration/i,
    advice:
      "Its disks can't be moved safely while it runs: use shared storage and cache mode none.",
  },
  {
    code: "MIGRATION_INCOMPATIBLE",
    pattern:
      /cpu.*(incompatible|not compatible|doesn't match|missing features)|does not support virtualization|machine type .* not supported|emulator .* does not/i,
    advice: "Choose a destination with the same or a newer CPU and QEMU.",
  },
  {
    code: "HOST_OUT_OF_MEMORY",
    pattern:
      /cannot allocate memory|cannot set up guest memory|insufficient (free )?memory|not enough memory/i,
    advice: "Free memory on this host or start the VM elsewhere.",
  },
  {
    code: "STORAGE_UNAVAILABLE",
    pattern:
      /cannot access storage|could not open .*(disk|image|\.qcow2|\.img|\.raw)|storage (pool|volume) not found|no space left/i,
    advice: "Check that the VM's disks exist on this host and that QEMU may open them.",
  },
  {
    code: "VM_BUSY",
    pattern: /cannot acquire state change lock|another .*job|already active job/i,
    advice:
      "Another operation holds this VM; try again when it is over (virsh domjobinfo shows it).",
  },
  {
    code: "INVALID_DEFINITION",
    pattern:
      /\(domain_definition\)|xml (error|document)|unsupported configuration|schema|invalid argument: .*(domain|os type)/i,
    advice: "Correct the definition; virt-xml-validate names the place.",
  },
  {
    code: "VM_NOT_RUNNING",
    pattern: /domain is not running/i,
    advice: "Start it first.",
  },
  {
    code: "UNSUPPORTED_BY_DRIVER",
    pattern: /not supported by the connection driver|unsupported (flags|by)/i,
    advice: "The hypervisor behind this connection URI can't do it.",
  },
];

/** Whether virsh refused because the VM is in the asked state already. */
export function isAlreadyActive(error: unknown): boolean {
  return error instanceof KvmError && /domain is already active/i.test(error.message);
}

/** Whether virsh refused because the VM is off. */
export function isNotRunning(error: unknown): boolean {
  return error instanceof KvmError && error.code === "VM_NOT_RUNNING";
}

/** Whether libvirt ended a job because it was asked to (domjobabort). */
export function isTakenBack(error: unknown): boolean {
  return error instanceof KvmError && /canceled by client|operation aborted/i.test(error.message);
}

/** Whether `virsh event` saw nothing in its time. */
export function isEventTimeout(error: unknown): boolean {
  return error instanceof KvmError && /event loop timed out/i.test(error.message);
}

/** The error for what virsh wrote to stderr when it failed. */
export function virshFailure(command: string, stderr: string): KvmError {
  const said = stderr
    .split("\n")
    .map((line) => line.replace(/^error: /, "").trim())
    .filter((line) => line !== "")
    .join(". ")
    .slice(0, 2_000);
  const known = failures.find((failure) => failure.pattern.test(said));
  const words = said === "" ? "no message" : said;
  return new KvmError(
    known?.code ?? "LIBVIRT_ERROR",
    `virsh ${command} failed: ${words}. ${known?.advice ?? "See libvirt's log on the host."}`,
  );
}
