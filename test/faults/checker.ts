/** Judges what a cell left behind by the promises of docs (DESIGN §7). Pure. */
import { isDeepStrictEqual } from "node:util";
import type { Answer } from "../../src/api/index.ts";
import type { CellFacts, LoadCommand, RequestFacts } from "./facts.ts";

/** What became of the Commands, and each broken promise in a line. */
export interface Verdict {
  readonly done: number;
  readonly notSent: number;
  readonly unknown: number;
  /** Never admitted: their callers were refused. */
  readonly refused: number;
  readonly violations: readonly string[];
}

/** A wait that outlasts every fault and what follows it: only a lost process excuses another end than `done`. */
export const longWaitMs = 60_000;
/** Once everything is whole again, whoever still waits for an Answer that exists or comes has it within this time. */
const answeredWithinMs = 40_000;
const historyEventsMax = 1_500;

export function judge(facts: CellFacts): Verdict {
  const violations: string[] = [...facts.notWell, ...facts.notReplayed];
  const counts = { done: 0, notSent: 0, unknown: 0, refused: 0 };
  const effects = countEffects(facts);
  for (const request of facts.requests) {
    violations.push(...endOf(request, facts.healedAfterMs));
    const answers = request.record?.answers;
    if (answers === undefined) {
      counts.refused += request.commands.length;
      violations.push(...unanswered(request, effects));
      continue;
    }
    violations.push(...agreement(request), ...batchOrder(request));
    for (const [index, command] of request.commands.entries()) {
      const answer = answers[index];
      counts[answer?.outcome ?? "done"]++;
      violations.push(
        ...truthOf(request, command, answer, effects.get(command.id) ?? 0),
        ...excuseOf(request, command, answer, facts),
      );
    }
  }
  violations.push(...doubled(facts, effects), ...sequence(facts), ...fleet(facts));
  return { ...counts, violations };
}

function countEffects(facts: CellFacts): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { effects } of Object.values(facts.notes)) {
    for (const id of effects) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/** Every caller comes to an end in time, and to a good one. */
function endOf({ requestId, caller, tookMs }: RequestFacts, healedMs: number): string[] {
  const found: string[] = [];
  const limitMs = healedMs + answeredWithinMs;
  if (caller.type === "gaveUp") found.push(`${requestId}: no Answer at all; last: ${caller.last}`);
  else if (tookMs > limitMs) {
    found.push(`${requestId}: its caller was answered after ${Math.round(tookMs)} ms only`);
  }
  // A manager that is away is asked again: every other refusal is wrong here.
  if (caller.type === "refused") found.push(`${requestId}: refused with ${caller.code}`);
  return found;
}

/** A Request without Answers in the record is one that never was admitted. */
function unanswered(request: RequestFacts, effects: ReadonlyMap<string, number>): string[] {
  const { requestId, record, lifecycle, caller, commands } = request;
  const found: string[] = [];
  if (record !== null) found.push(`${requestId}: admitted, and without its Answers at the end`);
  if (lifecycle !== null && record === null) found.push(`${requestId}: the API does not know it`);
  if (caller.type === "answered") found.push(`${requestId}: answered, and not in the record`);
  for (const { id } of commands) {
    if (effects.has(id)) found.push(`${id}: took effect, and its Request was not admitted`);
  }
  return found;
}

/** Caller, API and lifecycle tell the same, one Answer for each Command in order. */
function agreement({ requestId, caller, record, lifecycle, commands }: RequestFacts): string[] {
  const found: string[] = [];
  const answers = record?.answers ?? [];
  const ids = commands.map(({ id }) => id);
  if (
    !isDeepStrictEqual(
      answers.map(({ commandId }) => commandId),
      ids,
    )
  ) {
    found.push(`${requestId}: not one Answer for each Command, in order`);
  }
  if (!isDeepStrictEqual(answers, lifecycle?.answers)) {
    found.push(`${requestId}: the API's record and the lifecycle differ`);
  }
  if (caller.type === "answered" && !isDeepStrictEqual(caller.answers, answers)) {
    const was = JSON.stringify(caller.answers.map(brief));
    found.push(
      `${requestId}: caller heard ${was}, the record has ${JSON.stringify(answers.map(brief))}`,
    );
  }
  return found;
}

function brief({ result, outcome = "done", errorCode }: Answer): string {
  return `${outcome} ${String(result)}${errorCode === undefined ? "" : ` ${errorCode}`}`;
}

/** What an Answer says of the effect is so. */
function truthOf(
  { requestId }: RequestFacts,
  command: LoadCommand,
  answer: Answer | undefined,
  effects: number,
): string[] {
  if (answer === undefined) return [`${command.id}: no Answer in the record of ${requestId}`];
  const { outcome = "done", result } = answer;
  if (outcome === "done" && result && effects === 0)
    return [`${command.id}: done without an effect`];
  if (outcome === "done" && !result && effects > 0)
    return [`${command.id}: failed, with an effect`];
  if (outcome === "done" && result === command.fails) {
    return [`${command.id}: done with result ${String(result)}, which is not its resource's`];
  }
  if (outcome === "notSent" && effects > 0) {
    return [`${command.id}: ${brief(answer)}, and it took effect`];
  }
  return [];
}

/** A Command whose caller waits long ends `unknown` only when the agent process that had begun it was lost. */
function excuseOf(
  { waitMs }: RequestFacts,
  command: LoadCommand,
  answer: Answer | undefined,
  { notes, brokenAgentPids }: CellFacts,
): string[] {
  if (answer === undefined || waitMs < longWaitMs) return [];
  const { outcome = "done", type } = answer;
  if (outcome === "done" || type === "StoppedByPreviousFailureAnswer") return [];
  const begunByBroken = Object.values(notes).some(({ begun }) =>
    begun.some(({ id, pid }) => id === command.id && brokenAgentPids.includes(pid)),
  );
  if (outcome === "unknown" && begunByBroken) return [];
  return [`${command.id}: needlessly ${brief(answer)} (${answer.details ?? ""})`];
}

/** `stop` answers what follows a failure StoppedByPreviousFailure and runs none of it; `continue` stops nothing. */
function batchOrder({ requestId, record, onError }: RequestFacts): string[] {
  const answers = record?.answers ?? [];
  const stopped = answers.findIndex(({ type }) => type === "StoppedByPreviousFailureAnswer");
  if (stopped === -1) {
    const failed = answers.findIndex(({ outcome, result }) => outcome === undefined && !result);
    const ranOn = failed !== -1 && answers.slice(failed + 1).some(({ result }) => result);
    return onError === "stop" && ranOn ? [`${requestId}: went on after a failure`] : [];
  }
  if (onError === "continue") return [`${requestId}: stopped though it was to continue`];
  const before = answers.slice(0, stopped);
  return before.some(({ result }) => !result) ? [] : [`${requestId}: stopped without a failure`];
}

function doubled(facts: CellFacts, effects: ReadonlyMap<string, number>): string[] {
  return facts.requests
    .flatMap(({ commands }) => commands)
    .filter(({ type }) => type === "Step" || type === "FreeStep")
    .filter(({ id }) => (effects.get(id) ?? 0) > 1)
    .map(({ id }) => `${id}: took effect ${effects.get(id) ?? 0} times`);
}

/** In-sequence Requests of an agent took effect in `seq` order, and Commands of a Request in their own. */
function sequence(facts: CellFacts): string[] {
  const places = new Map<string, readonly [seq: number, index: number]>();
  for (const { commands, record } of facts.requests) {
    const inSequence = commands.some(({ type }) => type === "Step" || type === "Redo");
    if (record === null || !inSequence) continue;
    for (const [index, { id }] of commands.entries()) places.set(id, [record.seq, index]);
  }
  return Object.entries(facts.notes).flatMap(([agentId, { effects }]) => {
    const found: string[] = [];
    let last: { id: string; place: readonly [number, number] } | undefined;
    for (const id of effects) {
      const place = places.get(id);
      if (place === undefined) continue;
      if (last !== undefined && isBefore(place, last.place)) {
        found.push(
          `${agentId}: ${id} (seq ${place[0]}) took effect after ${last.id} (seq ${last.place[0]})`,
        );
      }
      last = { id, place };
    }
    return found;
  });
}

function isBefore(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

function fleet(facts: CellFacts): string[] {
  const down = Object.entries(facts.statusEvents)
    .filter(([, texts]) => texts.some((text) => /\bDown\b/.test(text)))
    .map(([agentId]) => `${agentId}: a live host was Down`);
  const long = Object.entries(facts.historyLengths)
    .filter(([, length]) => length > historyEventsMax)
    .map(([agentId, length]) => `${agentId}: its history has ${length} events`);
  return [...down, ...long];
}
