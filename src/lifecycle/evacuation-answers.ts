/** What an evacuation hears: from its cluster, from the host's resources. Gives the news for the event log. */
import type { Answer } from "../api/index.ts";
import { isRunning, readVmList, vmKey, type VmList } from "./evacuation-list.ts";
import { endEvacuation, failTry, isActive, isLeft, needsDestinations } from "./evacuation-state.ts";
import { evacuationSettings as settings } from "./evacuation-types.ts";
import type {
  Destination,
  EvacuatedVm,
  Evacuation,
  EvacuationNews,
  ListedVm,
} from "./evacuation-types.ts";

/** Code of the Answer to a Command that waited for its agent in vain: no failure of the host's. */
const notDelivered = "NOT_DELIVERED_IN_TIME";

/** The cluster can spare the host, or `heldBy` are being emptied already. */
export function onClaim(
  evacuation: Evacuation,
  heldBy: readonly string[] | undefined,
  nowMs: number,
): void {
  if (evacuation.phase !== "claiming") return;
  if (heldBy === undefined) {
    evacuation.phase = "listing";
    return;
  }
  endEvacuation(evacuation, "refused", cannotSpare(heldBy), nowMs);
}

/** Why a cluster can't spare a host, with what to do. */
export function cannotSpare(heldBy: readonly string[]): string {
  const others = `${heldBy.join(", ")} ${heldBy.length === 1 ? "is" : "are"}`;
  return `Its cluster can't spare it now: ${others} being prepared for maintenance. Wait for that, or cancel it.`;
}

/** Who takes machines in this round. */
export function onDestinations(evacuation: Evacuation, destinations: readonly Destination[]): void {
  if (needsDestinations(evacuation)) evacuation.destinations = destinations;
}

/** The Answers to a Request of this evacuation. Those that it does not wait for (any more) change nothing. */
export function onEvacuationAnswers(
  evacuation: Evacuation,
  requestId: string,
  answers: readonly Answer[],
  nowMs: number,
): readonly EvacuationNews[] {
  if (!isActive(evacuation)) return [];
  if (evacuation.list.requestId === requestId) {
    evacuation.list.requestId = undefined;
    if (answers[0]?.errorCode === notDelivered) return [];
    return onVmList(evacuation, readVmList(evacuation.list.resources ?? [], answers), nowMs);
  }
  const vm = evacuation.vms.find((one) => one.asked?.requestId === requestId);
  return vm === undefined ? [] : onVmAnswer(evacuation, vm, answers[0]);
}

function onVmAnswer(
  evacuation: Evacuation,
  vm: EvacuatedVm,
  answer: Answer | undefined,
): readonly EvacuationNews[] {
  const { asked } = vm;
  if (asked === undefined) return [];
  vm.asked = undefined;
  const { destination } = asked;
  if (answer?.result === true) {
    vm.state = asked.type === "MigrateVm" ? "moved" : "stopped";
    vm.problem = undefined;
    return [leftNews(vm, destination)];
  }
  vm.state = "waiting";
  if (answer?.errorCode === notDelivered) return [];
  const code = answer?.errorCode === undefined ? "" : ` [${answer.errorCode}]`;
  const why = `${answer?.details ?? "no reason given"}${code}`;
  if (destination !== undefined && answer !== undefined && isRefusal(answer)) {
    vm.refusedBy.push(destination);
    evacuation.load[destination] = (evacuation.load[destination] ?? 0) + 1;
    return [news("failed", vm, `${destination} did not take ${vm.name}: ${why}`)];
  }
  const what = destination === undefined ? "stopping it" : `moving it to ${destination}`;
  failTry(vm, `${what} failed: ${why}`);
  return [triedNews(vm)];
}

/**
 * Whether another host may be asked at once. Where it is unknown whether the machine moved, the next list tells; asking
 * before that might make two of it.
 */
function isRefusal(answer: Answer): boolean {
  return answer.outcome !== "unknown" && answer.errorCode !== "CANCELLED";
}

function onVmList(evacuation: Evacuation, list: VmList, nowMs: number): readonly EvacuationNews[] {
  if ("problem" in list) return [onListFailed(evacuation, list.problem, nowMs)];
  evacuation.list = { tries: 0 };
  const listed = new Map(list.vms.map((vm) => [vmKey(vm), vm]));
  const told: EvacuationNews[] = [];
  const left: EvacuatedVm[] = [];
  for (const vm of evacuation.vms) {
    const now = listed.get(vmKey(vm));
    listed.delete(vmKey(vm));
    if (now !== undefined && isRunning(now)) {
      told.push(...stillHere(vm));
      left.push(vm);
    } else told.push(...countGone(evacuation, vm, now));
  }
  const fresh = [...listed.values()].filter(isRunning);
  const room = Math.max(0, settings.vmsMax - left.length);
  evacuation.vms = [...left, ...fresh.slice(0, room).map(newcomer)];
  evacuation.more = Math.max(0, fresh.length - room);
  if (!evacuation.listed || fresh.length > 0) told.unshift(listedNews(evacuation, fresh.length));
  evacuation.listed = true;
  decideAfterList(evacuation, nowMs);
  return told;
}

function decideAfterList(evacuation: Evacuation, nowMs: number): void {
  const { vms } = evacuation;
  if (vms.length === 0) {
    endEvacuation(evacuation, "done", "Nothing runs on the host any more.", nowMs);
  } else if (vms.some((vm) => vm.state === "waiting")) {
    evacuation.phase = "moving";
    evacuation.destinations = undefined;
  } else endFailed(evacuation, nowMs);
}

/** Ends an evacuation with machines that could not be taken off the host. */
export function endFailed(evacuation: Evacuation, nowMs: number): void {
  const names = evacuation.vms.filter(isLeft).map((vm) => vm.name);
  const some = names.length > 5 ? `${names.slice(0, 5).join(", ")}, …` : names.join(", ");
  const what = names.length === 1 ? "1 machine" : `${names.length} machines`;
  const outcome = `${what} could not be taken off the host: ${some}.`;
  endEvacuation(evacuation, "failed", outcome, nowMs);
}

function onListFailed(evacuation: Evacuation, problem: string, nowMs: number): EvacuationNews {
  const { list } = evacuation;
  list.tries += 1;
  list.problem = problem;
  if (list.tries >= settings.triesMax) endEvacuation(evacuation, "failed", problem, nowMs);
  else {
    evacuation.phase = "waiting";
    evacuation.nextTryAtMs = nowMs + settings.retryAfterMs;
  }
  return { step: "failed", text: `Try ${list.tries} of ${settings.triesMax}: ${problem}` };
}

/** It runs here by the newest list, whatever was said of it before. */
function stillHere(vm: EvacuatedVm): readonly EvacuationNews[] {
  const told: EvacuationNews[] = [];
  if (!isLeft(vm)) {
    failTry(vm, `it was reported ${vm.state}, but runs here again`);
    told.push(triedNews(vm));
  }
  if (vm.state === "tried") vm.state = "waiting";
  return told;
}

/** It is off the host by the newest list: counted, and forgotten. */
function countGone(
  evacuation: Evacuation,
  vm: EvacuatedVm,
  now: ListedVm | undefined,
): readonly EvacuationNews[] {
  const byItsWord = !isLeft(vm);
  if (!byItsWord) vm.state = now === undefined ? "moved" : "stopped";
  if (vm.state === "moved") evacuation.moved += 1;
  else evacuation.stopped += 1;
  if (byItsWord) return [];
  const text = now === undefined ? "is no longer on the host" : "is off";
  return [news(vm.state === "moved" ? "moved" : "stopped", vm, `${vm.name} ${text}`)];
}

function newcomer({ resource, name }: ListedVm): EvacuatedVm {
  return { resource, name, state: "waiting", tries: 0, refusedBy: [] };
}

function listedNews({ listed }: Evacuation, count: number): EvacuationNews {
  const what = count === 1 ? "1 machine runs" : `${count} machines run`;
  const text = listed ? `${what} on the host that did not before` : `${what} on the host`;
  return { step: "listed", text, data: { count } };
}

function leftNews(vm: EvacuatedVm, destination: string | undefined): EvacuationNews {
  const step = vm.state === "moved" ? "moved" : "stopped";
  const where = destination === undefined ? "" : ` to ${destination}`;
  return news(step, vm, `${vm.name} was ${step}${where}`, destination);
}

/** A try of a machine failed. */
export function triedNews(vm: EvacuatedVm): EvacuationNews {
  const text = `${vm.name} is still here after try ${vm.tries} of ${settings.triesMax}: ${vm.problem ?? ""}`;
  return news("failed", vm, text);
}

function news(
  step: EvacuationNews["step"],
  { name, resource, tries }: EvacuatedVm,
  text: string,
  destination?: string,
): EvacuationNews {
  const to = destination === undefined ? {} : { destination };
  return { step, text, data: { vm: name, resource, tries, ...to } };
}
