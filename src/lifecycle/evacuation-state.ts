/**
 * The evacuation of one host as a state machine (CloudStack's host maintenance, §1.8; DESIGN §6): list what runs, move
 * or stop each machine, list again until nothing runs. Here it begins and ends; `evacuation-answers.ts` takes what it
 * hears, `evacuation-step.ts` says what it sends. All change the state in place and nothing else; `nowMs` is an argument.
 */
import type { EvacuationPolicy, ResourceState, ResourceStateEvent } from "../api/index.ts";
import { clip } from "./clip.ts";
import { evacuationSettings as settings } from "./evacuation-types.ts";
import type { EvacuatedVm, Evacuation, EvacuationPhase } from "./evacuation-types.ts";

/** What an operator asks for, the fleet's defaults filled in. */
export interface EvacuationOrder {
  readonly by: string;
  readonly reason?: string;
  readonly policy: EvacuationPolicy;
  readonly deadlineMs: number;
}

export function beginEvacuation(
  no: number,
  from: Evacuation["from"],
  order: EvacuationOrder,
  nowMs: number,
): Evacuation {
  return {
    no,
    by: order.by,
    ...(order.reason !== undefined && { reason: order.reason }),
    from,
    policy: order.policy,
    startedAtMs: nowMs,
    deadlineAtMs: nowMs + order.deadlineMs,
    phase: "claiming",
    listed: false,
    vms: [],
    moved: 0,
    stopped: 0,
    more: 0,
    list: { tries: 0 },
    load: {},
  };
}

/** Whether it still goes on. */
export function isActive({ phase }: Pick<Evacuation, "phase">): boolean {
  switch (phase) {
    case "claiming":
    case "listing":
    case "moving":
    case "waiting":
      return true;
    case "done":
    case "failed":
    case "refused":
    case "cancelled":
      return false;
  }
}

/** Whether the machine still has to leave the host. */
export function isLeft(vm: Pick<EvacuatedVm, "state">): boolean {
  return vm.state !== "moved" && vm.state !== "stopped";
}

/** Whether something could not be done that is to be tried again. */
function isTroubled({ list, vms }: Evacuation): boolean {
  return list.problem !== undefined || vms.some((vm) => isLeft(vm) && vm.problem !== undefined);
}

/** Whether it can't go on without knowing who takes machines. */
export function needsDestinations({ phase, policy, destinations }: Evacuation): boolean {
  return phase === "moving" && policy !== "stop" && destinations === undefined;
}

/** When it must be looked at again although nothing happened; undefined when it has ended. */
export function evacuationWakeMs(evacuation: Evacuation): number | undefined {
  if (!isActive(evacuation)) return undefined;
  const { deadlineAtMs, nextTryAtMs } = evacuation;
  return nextTryAtMs === undefined ? deadlineAtMs : Math.min(deadlineAtMs, nextTryAtMs);
}

/** Requests of its own that are under way. */
export function openRequests({ list, vms }: Evacuation): readonly string[] {
  const ids = [list.requestId, ...vms.map((vm) => vm.asked?.requestId)];
  return ids.filter((id) => id !== undefined);
}

/** An operator asks again for what could not be done yet: all tries are given anew, and a deadline. */
export function retryEvacuation(
  evacuation: Evacuation,
  order: EvacuationOrder,
  nowMs: number,
): void {
  const { list } = evacuation;
  evacuation.policy = order.policy;
  evacuation.deadlineAtMs = nowMs + order.deadlineMs;
  list.tries = 0;
  list.problem = undefined;
  for (const vm of evacuation.vms.filter(isLeft)) {
    vm.tries = 0;
    vm.problem = undefined;
    if (vm.state === "failed") vm.state = "tried";
  }
  if (evacuation.phase === "waiting") evacuation.nextTryAtMs = nowMs;
}

/** Ends it. Its `openRequests` must be asked for before and cancelled by the caller. */
export function endEvacuation(
  evacuation: Evacuation,
  phase: Extract<EvacuationPhase, "done" | "failed" | "refused" | "cancelled">,
  outcome: string,
  nowMs: number,
): void {
  evacuation.phase = phase;
  evacuation.outcome = outcome;
  evacuation.endedAtMs = nowMs;
  evacuation.nextTryAtMs = undefined;
  evacuation.destinations = undefined;
  evacuation.load = {};
  evacuation.list = { tries: 0 };
  for (const vm of evacuation.vms.filter(isLeft)) {
    if (vm.asked !== undefined) vm.problem = `${vm.asked.type} was still under way`;
    vm.problem ??= "its turn did not come";
    vm.asked = undefined;
    vm.state = "failed";
  }
}

/** A try of a machine is over without success. */
export function failTry(vm: EvacuatedVm, problem: string): void {
  vm.tries += 1;
  vm.asked = undefined;
  vm.refusedBy = [];
  vm.problem = clip(problem, problemCharsMax);
  vm.state = vm.tries >= settings.triesMax ? "failed" : "tried";
}
const problemCharsMax = 300;

/**
 * The event that brings the ResourceState in line with its evacuation; undefined when it is. Trouble shows as
 * ErrorInPrepareForMaintenance while tries are left; a host that its cluster can't spare goes back where it came from.
 */
export function maintenanceEvent(
  evacuation: Evacuation,
  state: ResourceState,
): ResourceStateEvent | undefined {
  if (state !== "PrepareForMaintenance" && state !== "ErrorInPrepareForMaintenance") {
    return undefined;
  }
  switch (evacuation.phase) {
    case "claiming":
    case "listing":
    case "moving":
    case "waiting":
      if (isTroubled(evacuation) === (state === "ErrorInPrepareForMaintenance")) return undefined;
      return state === "PrepareForMaintenance" ? "UnableToMigrate" : "ErrorsCorrected";
    case "done":
      return "InternalEnterMaintenance";
    case "failed":
      return "UnableToMaintain";
    case "refused":
      return evacuation.from === "Enabled" ? "AdminCancelMaintenance" : "UnableToMaintain";
    case "cancelled":
      return "AdminCancelMaintenance";
  }
}
