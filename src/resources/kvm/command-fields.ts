import type { HostToCheck, VmSpec, WireCommand } from "../../api/index.ts";
import { isConnectionUri, isPort } from "./config.ts";
import { KvmError } from "./errors.ts";

// Fields of a Command have crossed the wire: nothing about them is certain.

/** Libvirt's own limits for a name are looser; these also keep it readable in a log line. */
// eslint-disable-next-line no-control-regex -- control characters are what it refuses
const vmNamePattern = /^[^\x00-\x1f\x7f/\s]([^\x00-\x1f\x7f/]{0,253}[^\x00-\x1f\x7f/\s])?$/;

/** The VM's name. @throws KvmError INVALID_COMMAND */
export function vmField(command: WireCommand): string {
  const vm = command["vm"];
  if (typeof vm === "string" && vmNamePattern.test(vm)) return vm;
  throw invalid(
    command,
    "vm",
    "1 to 255 characters, no slash, no control characters, no space at its ends",
  );
}

/** Whether to pull the plug. @throws KvmError INVALID_COMMAND */
export function forceField(command: WireCommand): boolean {
  const force = command["force"] ?? false;
  if (typeof force === "boolean") return force;
  throw invalid(command, "force", "true or false");
}

/** Where a VM is moved to. @throws KvmError INVALID_COMMAND */
export function destinationField(command: WireCommand): string {
  const destination = command["destination"];
  if (typeof destination === "string" && isConnectionUri(destination)) return destination;
  throw invalid(command, "destination", "a libvirt connection URI such as qemu+ssh://host2/system");
}

/** What a VM that the host doesn't know is made of. @throws KvmError INVALID_COMMAND */
export function specField(command: WireCommand): VmSpec | undefined {
  const spec = command["spec"];
  if (spec === undefined) return undefined;
  const fields = isRecord(spec) ? spec : {};
  const { cpuCount, memoryBytes, definition } = fields;
  if (
    isWhole(cpuCount) &&
    isWhole(memoryBytes) &&
    (definition === undefined || typeof definition === "string")
  ) {
    return { cpuCount, memoryBytes, ...(definition !== undefined && { definition }) };
  }
  throw invalid(
    command,
    "spec",
    "{cpuCount, memoryBytes, definition?} with whole numbers above 0 and a text",
  );
}

/** The host to look for. @throws KvmError INVALID_COMMAND */
export function hostField(command: WireCommand): HostToCheck {
  const host = isRecord(command["host"]) ? command["host"] : {};
  const { agentId, address, probePorts } = host;
  if (
    typeof agentId === "string" &&
    (address === undefined || typeof address === "string") &&
    (probePorts === undefined || isPortList(probePorts))
  ) {
    return {
      agentId,
      ...(address !== undefined && { address }),
      ...(probePorts !== undefined && { probePorts }),
    };
  }
  throw invalid(command, "host", "{agentId, address?, probePorts?} with at most 16 TCP ports");
}

function isPortList(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= 16 && value.every(isPort);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function invalid(command: WireCommand, field: string, wanted: string): KvmError {
  return new KvmError(
    "INVALID_COMMAND",
    `${command.type}: the field "${field}" must be ${wanted}.`,
  );
}
