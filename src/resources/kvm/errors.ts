/**
 * Why a Command of the kvm resource failed. The codes are stable: callers match on them (docs/KVM.md lists them).
 */
export const kvmErrorCodes = [
  "INVALID_COMMAND",
  "INVALID_DEFINITION",
  "VM_NOT_FOUND",
  "VM_PAUSED",
  "VM_NOT_RUNNING",
  "VM_STILL_RUNNING",
  "VM_DID_NOT_REBOOT",
  "VM_BUSY",
  "HOST_OUT_OF_MEMORY",
  "STORAGE_UNAVAILABLE",
  "MIGRATION_SAME_HOST",
  "MIGRATION_UNSAFE",
  "MIGRATION_INCOMPATIBLE",
  "DESTINATION_UNREACHABLE",
  "VM_EXISTS",
  "UNSUPPORTED_BY_DRIVER",
  "NO_ADDRESS",
  "VIRSH_MISSING",
  "LIBVIRT_UNREACHABLE",
  "LIBVIRT_ACCESS_DENIED",
  "LIBVIRT_CONNECTION_LOST",
  "LIBVIRT_BUSY",
  "LIBVIRT_ERROR",
  "TIMED_OUT",
  "CANCELLED",
] as const;
export type KvmErrorCode = (typeof kvmErrorCodes)[number];

/** A Command can't be carried out; the message says what was wrong and what to do. */
export class KvmError extends Error {
  readonly code: KvmErrorCode;
  constructor(code: KvmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "KvmError";
    this.code = code;
  }
}

/** A setting of the resource is unknown or malformed; the agent can't start with it. */
export class KvmConfigError extends Error {
  readonly code = "KVM_CONFIG";
  readonly setting: string;
  constructor(setting: string, problem: string) {
    super(`kvm setting "${setting}": ${problem}`);
    this.name = "KvmConfigError";
    this.setting = setting;
  }
}
