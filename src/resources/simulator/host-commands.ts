/** Carries out one Command on a simulated host. */
import type { ResourceAnswer, VmSpec, WireCommand } from "../../api/index.ts";
import type { Effects } from "./effects.ts";
import { RefusedError } from "./errors.ts";
import { readFaults, type FaultPlan } from "./faults.ts";
import type { HostModel } from "./host-model.ts";
import { findNeighbour } from "./neighbourhood.ts";
import type { SimulatedHealth } from "./simulator-commands.ts";

/** A host and what is programmed for it. */
export interface SimulatedHost {
  readonly model: HostModel;
  readonly effects: Effects;
  readonly faults: FaultPlan;
  health: SimulatedHealth;
}

/**
 * Carries it out; undefined for a type that the simulator does not map.
 * @throws RefusedError, SimulatorConfigError.
 */
export function carryOut(command: WireCommand, host: SimulatedHost): ResourceAnswer | undefined {
  const { model } = host;
  const done = { type: `${command.type}Answer`, result: true };
  const withVm = (vm: unknown) => ({ ...done, vm });
  switch (command.type) {
    case "CheckHealth":
      return host.health.healthy
        ? done
        : {
            ...done,
            result: false,
            details: host.health.details ?? "It was programmed unhealthy.",
          };
    case "GetHostStats":
      return { ...done, stats: model.stats() } as ResourceAnswer;
    case "ListVms":
      return { ...done, vms: model.list() } as ResourceAnswer;
    case "StartVm":
      return withVm(model.start(command.id, text(command, "vm"), spec(command["spec"])));
    case "StopVm":
      return withVm(model.stop(command.id, text(command, "vm")));
    case "RebootVm":
      return withVm(model.reboot(command.id, text(command, "vm")));
    case "MigrateVm":
      migrate(command, model);
      return done;
    case "CheckOnHost":
      return { ...done, seen: sees(command["host"]) } as ResourceAnswer;
    case "SimulatorConfigure":
      configure(command, host);
      return done;
    case "SimulatorReport":
      return { ...done, effects: host.effects.counts } as ResourceAnswer;
    default:
      return undefined;
  }
}

function migrate(command: WireCommand, model: HostModel): void {
  const hostname = text(command, "destination");
  const destination = findNeighbour(hostname);
  if (destination === undefined) {
    throw new RefusedError(
      "DESTINATION_NOT_FOUND",
      `No simulated host ${hostname} runs in this process. Hosts of one "muster sim" can migrate to each other.`,
    );
  }
  model.migrate(command.id, text(command, "vm"), destination);
}

/** A host of this process is alive; of any other nothing is known. */
function sees(host: unknown): boolean {
  const agentId = record(host)["agentId"];
  return typeof agentId === "string" && findNeighbour(agentId) !== undefined;
}

function configure(command: WireCommand, host: SimulatedHost): void {
  const { faults, health } = command;
  if (health !== undefined) {
    const { healthy, details } = record(health);
    if (typeof healthy !== "boolean") throw badField("health.healthy", "true or false");
    host.health = { healthy, ...(typeof details === "string" && { details }) };
  }
  if (faults !== undefined) host.faults.set(readFaults(faults));
}

function text(command: WireCommand, field: string): string {
  const value = command[field];
  if (typeof value !== "string" || value === "") throw badField(field, "a text");
  return value;
}

function spec(value: unknown): VmSpec | undefined {
  if (value === undefined) return undefined;
  const { cpuCount, memoryBytes } = record(value);
  if (typeof cpuCount !== "number" || !(cpuCount > 0)) throw badField("spec.cpuCount", "a number");
  if (typeof memoryBytes !== "number" || !(memoryBytes > 0)) {
    throw badField("spec.memoryBytes", "a number");
  }
  return { cpuCount, memoryBytes };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function badField(field: string, wanted: string): RefusedError {
  return new RefusedError("BAD_FIELD", `The Command's field ${field} must be ${wanted}.`);
}
