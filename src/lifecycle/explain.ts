/** Why an agent is what it is: its newest loss, told from the event log (DESIGN §5: what `muster why` prints). Pure. */
import { disconnectRules, type DisconnectRule } from "./disconnect-rules.ts";

/** An event as far as it is needed to explain; `data` comes from the log as it was written, by whatever release. */
export interface LoggedEvent {
  readonly at: string;
  readonly epoch: number;
  readonly type: string;
  readonly text: string;
  readonly data?: unknown;
}

/** One thing that happened, in words. */
export interface Step {
  readonly at: string;
  readonly text: string;
}

/** A step that a rule decided; `ruleText` is undefined for a rule that this release does not know. */
export interface DecidedStep extends Step {
  readonly rule?: string;
  readonly ruleText?: string;
}

/** One Investigator that was asked, and what it saw. */
export interface AskedStep {
  readonly at: string;
  readonly investigator: string;
  readonly verdict: string;
  readonly evidence: string;
  readonly proof?: string;
  readonly tookMs?: number;
}

/** The newest loss: what was lost, who was asked in the newest round, what was decided, what was done. */
export interface LossExplanation {
  readonly lost: DecidedStep & { readonly epoch: number; readonly gatewayId?: string };
  /** The newest round of questions; earlier rounds are in the event log. */
  readonly asked: readonly AskedStep[];
  readonly rounds: number;
  /** The last decision about the loss, when there was one after it began. */
  readonly decided: DecidedStep | null;
  readonly done: readonly Step[];
  /** How it ended; null while it lasts. */
  readonly ended: Step | null;
}

const doneTypes = new Set([
  "alertRaised",
  "alertCleared",
  "braked",
  "brakeReleased",
  "recoveryCalled",
]);

/** Explains the newest loss in events of one agent, oldest first; null when they hold none. */
export function explainLoss(events: readonly LoggedEvent[]): LossExplanation | null {
  const begin = events.findLastIndex((event) => event.type === "disconnected");
  const lost = events[begin];
  if (lost === undefined) return null;
  const since = events.slice(begin + 1);
  const end = since.findIndex(isEnd);
  const during = end === -1 ? since : since.slice(0, end);
  const ended = since[end];
  const cleared = end === -1 ? [] : since.slice(end).filter((e) => e.type === "alertCleared");
  const verdicts = during.filter((event) => event.type === "verdict");
  const decided = during.findLast((event) => event.type === "verdict" || isLateDecision(event));
  const gatewayId = field(lost, "gatewayId");
  return {
    lost: {
      ...decidedStep(lost),
      epoch: lost.epoch,
      ...(gatewayId !== undefined && { gatewayId }),
    },
    asked: newestRound(during),
    rounds: verdicts.length,
    decided: decided === undefined ? null : decidedStep(decided),
    done: [...during.filter((event) => doneTypes.has(event.type)), ...cleared].map(step),
    ended: ended === undefined ? null : step(ended),
  };
}

/** A new session, or a ping that showed that the old one lives. */
function isEnd(event: LoggedEvent): boolean {
  return event.type === "connected" || (event.type === "status" && field(event, "to") === "Up");
}

/** Waiting too long, or an agent that comes back wrongly set up, is decided without anybody being asked. */
function isLateDecision(event: LoggedEvent): boolean {
  if (event.type === "handshakeRefused") return field(event, "rule") !== undefined;
  return event.type === "status" && field(event, "rule") === "waitedTooLong";
}

/** What was asked since the last verdict but one: a round that is still under way counts too. */
function newestRound(events: readonly LoggedEvent[]): readonly AskedStep[] {
  const asked = events.flatMap((event, index) => (event.type === "investigation" ? [index] : []));
  const last = asked.at(-1);
  if (last === undefined) return [];
  const before = events.slice(0, last).findLastIndex((event) => event.type === "verdict");
  return asked.flatMap((index) => {
    const event = events[index];
    return index < before || event === undefined ? [] : [askedStep(event)];
  });
}

function askedStep(event: LoggedEvent): AskedStep {
  const proof = field(event, "proof");
  const tookMs = dataOf(event)["tookMs"];
  return {
    at: event.at,
    investigator: field(event, "investigator") ?? "unknown",
    verdict: field(event, "verdict") ?? "Unknown",
    evidence: field(event, "evidence") ?? event.text,
    ...(proof !== undefined && { proof }),
    ...(typeof tookMs === "number" && { tookMs }),
  };
}

function decidedStep(event: LoggedEvent): DecidedStep {
  const rule = field(event, "rule");
  if (rule === undefined) return step(event);
  const known = Object.hasOwn(disconnectRules, rule);
  return {
    ...step(event),
    rule,
    ...(known && { ruleText: disconnectRules[rule as DisconnectRule] }),
  };
}

function step({ at, text }: LoggedEvent): Step {
  return { at, text };
}

function field(event: LoggedEvent, name: string): string | undefined {
  const value = dataOf(event)[name];
  return typeof value === "string" ? value : undefined;
}

function dataOf({ data }: LoggedEvent): Readonly<Record<string, unknown>> {
  return typeof data === "object" && data !== null
    ? (data as Readonly<Record<string, unknown>>)
    : {};
}
