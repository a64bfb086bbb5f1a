/** Carries out one Command on a simulated host. */
import type { ResourceAnswer, VmSpec, WireCommand } from "../../api/index.ts";
import type { Effects } from "./effects.ts";
import { RefusedError } from "./errors.ts";
import { readFaults, type FaultPlan } from "./faults.ts";
import type { HostModel } from "./host-model.ts";
import { findNeighbour, type HostsElsewhere } from "./neighbourhood.ts";
import type { SimulatedHealth } from "./simulator-commands.ts";

/** A host and what is programmed for it. */
export interface SimulatedHost {
  readonly model: HostModel;
  readonly effects: Effects;
  readonly faults: FaultPlan;
  health: SimulatedHealth;
  readonly elsewhere: HostsElsewhere | undefined;
}

/**
 * Carries it out; undefined for a type that the simulator does not map.
 * @throws RefusedError, SimulatorConfigError.
 */
export async function carryOut(
  command: WireCommand,
  host: SimulatedHost,
): Promise<ResourceAnswer | undefined> {
  const { model, elsewhere } = host;
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
      await migrate(command, model, elsewhere);
      return done;
    case "CheckOnHost":
      return { ...done, seen: await sees(command["host"], elsewhere) } as ResourceAnswer;
    case "SimulatorConfigure":
      configure(command, host);
      return done;
    case "SimulatorReport":
      return { ...done, effects: host.effects.counts } as ResourceAnswer;
    default:
      return undefined;
  }
}

async function migrate(
  command: WireCommand,
  model: HostModel,
  elsewhere: HostsElsewhere | undefined,
): Promise<void> {
  const hostname = text(command, "destination");
  const vm = text(command, "vm");
  const neighbour = findNeighbour(hostname);
  if (neighbour !== undefined) {
    model.migrate(command.id, vm, neighbour);
    return;
  }
  if (elsewhere === undefined) {
    throw new RefusedError(
      "DESTINATION_NOT_FOUND",
      `No simulated host ${hostname} runs in this process. Hosts of one "muster sim" can migrate to each other.`,
    );
  }
  await model.migrateAway(command.id, vm, async (leaving) => {
    const refusal = await elsewhere.receive(hostname, command.id, leaving);
    if (refusal !== undefined) throw new RefusedError(refusal.code, refusal.message);
  });
}

/** A host of the same fleet is alive, or off; of any other nothing is seen. */
async function sees(host: unknown, elsewhere: HostsElsewhere | undefined): Promise<boolean> {
  const agentId = record(host)["agentId"];
  if (typeof agentId !== "string") return false;
  return findNeighbour(agentId) !== undefined || ((await elsewhere?.isThere(agentId)) ?? false);
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
