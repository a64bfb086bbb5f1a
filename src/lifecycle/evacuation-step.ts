/** What an evacuation does next, and the Requests that it sends. */
import { traitsOf } from "../api/index.ts";
import { endFailed, triedNews } from "./evacuation-answers.ts";
import { wayOut } from "./evacuation-plan.ts";
import { endEvacuation, failTry, isActive, isLeft, needsDestinations } from "./evacuation-state.ts";
import { evacuationSettings as settings } from "./evacuation-types.ts";
import type {
  AskedOfVm,
  EvacuatedVm,
  Evacuation,
  EvacuationCommand,
  EvacuationNews,
  EvacuationRequest,
} from "./evacuation-types.ts";

/** What it must know of the world to decide. */
export interface EvacuationWorld {
  readonly nowMs: number;
  /** Makes an id that was never used. */
  readonly newId: () => string;
  /** Names of the host's resources. */
  readonly resources: readonly string[];
  /** The host is proved Down: nothing runs on it. */
  readonly hostIsDown: boolean;
  /** Commands of an earlier evacuation are still under way: no machine may get two at once. */
  readonly earlierPending: boolean;
}

export interface EvacuationStep {
  readonly requests: readonly EvacuationRequest[];
  readonly news: readonly EvacuationNews[];
}

const nothing: EvacuationStep = { requests: [], news: [] };

/** Takes every step that can be taken now; taking them again changes nothing. */
export function stepEvacuation(evacuation: Evacuation, world: EvacuationWorld): EvacuationStep {
  if (!isActive(evacuation)) return nothing;
  const { nowMs } = world;
  if (world.hostIsDown) {
    endEvacuation(evacuation, "done", "The host is Down: nothing runs on it.", nowMs);
    return nothing;
  }
  if (nowMs >= evacuation.deadlineAtMs) {
    endEvacuation(evacuation, "failed", deadlineOutcome(evacuation), nowMs);
    return nothing;
  }
  if (evacuation.phase === "waiting" && nowMs >= (evacuation.nextTryAtMs ?? 0)) {
    evacuation.phase = "listing";
    evacuation.nextTryAtMs = undefined;
  }
  const news: EvacuationNews[] = [];
  const requests: EvacuationRequest[] = [];
  if (evacuation.phase === "moving") {
    askForMachines(evacuation, world, requests, news);
    closeRound(evacuation, nowMs);
  }
  if (evacuation.phase === "listing") askForList(evacuation, world, requests);
  return { requests, news };
}

function deadlineOutcome({ listed, vms, more }: Evacuation): string {
  const left = vms.filter(isLeft).length + more;
  return listed
    ? `The deadline passed with ${left === 1 ? "1 machine" : `${left} machines`} still on the host.`
    : "The deadline passed before its machines could be listed.";
}

function askForList(
  evacuation: Evacuation,
  { nowMs, newId, resources, earlierPending }: EvacuationWorld,
  requests: EvacuationRequest[],
): void {
  if (evacuation.list.requestId !== undefined || earlierPending) return;
  const requestId = newId();
  evacuation.list.requestId = requestId;
  evacuation.list.resources = resources;
  const commands = resources.map((resource) => ({ type: "ListVms", resource }) as const);
  requests.push({ requestId, commands, waitMs: waitMs(evacuation, settings.listWaitMs, nowMs) });
}

/** Gives waiting machines their Command, so many at once. */
function askForMachines(
  evacuation: Evacuation,
  { nowMs, newId }: EvacuationWorld,
  requests: EvacuationRequest[],
  news: EvacuationNews[],
): void {
  if (needsDestinations(evacuation)) return;
  let underWay = evacuation.vms.filter((vm) => vm.state === "asked").length;
  for (const vm of evacuation.vms) {
    if (underWay >= settings.atOnce) return;
    if (vm.state !== "waiting") continue;
    const { policy, destinations = [], load } = evacuation;
    const way = wayOut(policy, destinations, load, vm.refusedBy);
    if (way.type === "none") {
      failTry(vm, way.why);
      news.push(triedNews(vm));
      continue;
    }
    const requestId = newId();
    if (way.type === "migrate") {
      const { agentId, migrateTo } = way.destination;
      load[agentId] = (load[agentId] ?? 0) + 1;
      ask(vm, { requestId, type: "MigrateVm", destination: agentId });
      const { resource, name } = vm;
      const command = { type: "MigrateVm", resource, vm: name, destination: migrateTo } as const;
      requests.push(requestOf(evacuation, requestId, command, nowMs));
    } else {
      ask(vm, { requestId, type: "StopVm" });
      const command = { type: "StopVm", resource: vm.resource, vm: vm.name } as const;
      requests.push(requestOf(evacuation, requestId, command, nowMs));
    }
    underWay += 1;
  }
}

function ask(vm: EvacuatedVm, asked: AskedOfVm): void {
  vm.state = "asked";
  vm.asked = asked;
}

/** Each waits for those before it at the agent, so each gets the time of all of them. */
function requestOf(
  evacuation: Evacuation,
  requestId: string,
  command: EvacuationCommand,
  nowMs: number,
): EvacuationRequest {
  const ownMs = traitsOf(command.type).waitSeconds * 1_000 * settings.atOnce;
  return { requestId, commands: [command], waitMs: waitMs(evacuation, ownMs, nowMs) };
}

function waitMs({ deadlineAtMs }: Evacuation, ownMs: number, nowMs: number): number {
  return Math.min(ownMs, deadlineAtMs - nowMs + settings.cancelGraceMs);
}

/** Once every machine had its try: list again, wait for the next try, or give up. */
function closeRound(evacuation: Evacuation, nowMs: number): void {
  const { vms } = evacuation;
  if (vms.some(({ state }) => state === "asked" || state === "waiting")) return;
  const tried = vms.filter(({ state }) => state === "tried");
  if (tried.some(({ problem }) => problem !== undefined)) {
    evacuation.phase = "waiting";
    evacuation.nextTryAtMs = nowMs + settings.retryAfterMs;
  } else if (tried.length > 0 || !vms.some(({ state }) => state === "failed")) {
    evacuation.phase = "listing";
  } else endFailed(evacuation, nowMs);
}
