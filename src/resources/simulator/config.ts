/** Settings of a simulated host, from `--config`. */
import { SimulatorConfigError } from "./errors.ts";
import { readFaults, type Faults } from "./faults.ts";

/** A simulated host, as configured. */
export interface SimulatorConfig {
  /** Name of the resource within its agent. Default: the agent's id, which is also the host's name for migrations. */
  readonly name: string | undefined;
  readonly resourceType: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** VMs that exist at first, named `<vmPrefix>1`, `<vmPrefix>2`, …; all running. */
  readonly vms: number;
  /** Default `vm-`. Hosts that move VMs to each other need different ones, as in a real cluster. */
  readonly vmPrefix: string;
  /** File to keep what happened in, so that a restart knows it and tests can count effects. Absent: memory only. */
  readonly stateFile: string | undefined;
  readonly address: string | undefined;
  readonly probePorts: readonly number[] | undefined;
  /** URL of the process that switches the host's power (`muster sim` sets it); announced as the fact `world`. */
  readonly world: string | undefined;
  readonly faults: Faults;
}

const gib = 1024 ** 3;
const known = new Set([
  "name",
  "resourceType",
  "cpuCount",
  "memoryBytes",
  "vms",
  "vmPrefix",
  "stateFile",
  "address",
  "probePorts",
  "world",
  "faults",
]);

/** @throws SimulatorConfigError naming the setting. */
export function simulatorConfig(config: Readonly<Record<string, unknown>>): SimulatorConfig {
  for (const setting of Object.keys(config)) {
    if (!known.has(setting)) {
      throw new SimulatorConfigError(setting, `is not a setting. Known: ${[...known].join(", ")}.`);
    }
  }
  return {
    name: text(config, "name"),
    resourceType: text(config, "resourceType") ?? "simulator",
    cpuCount: count(config, "cpuCount", 16),
    memoryBytes: count(config, "memoryBytes", 64 * gib),
    vms: count(config, "vms", 2),
    vmPrefix: text(config, "vmPrefix") ?? "vm-",
    stateFile: text(config, "stateFile"),
    address: text(config, "address"),
    probePorts: ports(config["probePorts"]),
    world: text(config, "world"),
    faults: readFaults(config["faults"] ?? {}),
  };
}

function text(config: Readonly<Record<string, unknown>>, setting: string): string | undefined {
  const value = config[setting];
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") {
    throw new SimulatorConfigError(setting, "must be a text that is not empty.");
  }
  return value;
}

function count(
  config: Readonly<Record<string, unknown>>,
  setting: string,
  fallback: number,
): number {
  const value = config[setting] ?? fallback;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new SimulatorConfigError(setting, "must be a whole number, 0 or more.");
  }
  return value;
}

function ports(value: unknown): readonly number[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((port) => Number.isInteger(port))) {
    throw new SimulatorConfigError("probePorts", "must be a list of port numbers.");
  }
  return value as number[];
}
