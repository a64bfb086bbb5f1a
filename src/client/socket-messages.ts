/** What a gateway says on `/api/v1/socket` (docs/CLIENT-API.md). */
import type { Answer } from "../api/index.ts";
import { AgentManagerError } from "./errors.ts";

export interface ProblemMessage {
  readonly code: string;
  readonly detail: string;
  readonly apiUrl?: string;
}
/** A reply as it came: which fields it has follows from what was asked. */
export interface SocketReply {
  readonly id: number;
  readonly answers?: unknown;
  readonly requestId?: unknown;
  readonly seq?: unknown;
  readonly state?: unknown;
  readonly waitMs?: unknown;
  readonly request?: unknown;
  readonly result?: unknown;
}
export interface ProgressReply {
  readonly id: number;
  readonly progress: { readonly index: number; readonly answer: Answer };
}
export interface ProblemReply {
  readonly id: number | null;
  readonly problem: ProblemMessage;
}
export type SocketMessage = SocketReply | ProgressReply | ProblemReply;

/** What became of a Request of the durable lane. */
export interface RequestView {
  readonly requestId: string;
  readonly agentId: string;
  /** Its place in the order of the agent's Requests. */
  readonly seq: number;
  readonly state: "pending" | "settled";
  /** Whether it was handed to a gateway since it was admitted. */
  readonly handed: boolean;
  readonly commands: readonly { readonly id: string; readonly type: string }[];
  /** One for each Command, once it is settled. */
  readonly answers?: readonly Answer[];
  /** While it is pending: the Answers that are there already. */
  readonly progress?: readonly Answer[];
  /** While it is pending: how long its caller still waits. */
  readonly waitLeftMs?: number;
}

/** `cancelled`: it was not sent, and will not be. `asked`: the agent was told. `settled`: it has its Answers already. */
export type CancelResult = "cancelled" | "asked" | "settled";

/** That a Request of the durable lane was admitted, and its Answers when it has them already. */
export interface Admission {
  readonly requestId: string;
  readonly seq: number;
  /** How long its Answers are waited for. */
  readonly waitMs: number;
  readonly answers?: readonly Answer[];
}

/** Reads a message; undefined for what is none. */
export function readMessage(text: string): SocketMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { id, progress, problem } = value;
  if (problem !== undefined) {
    const isId = typeof id === "number" || id === null;
    return isId && isProblem(problem) ? { id, problem } : undefined;
  }
  if (typeof id !== "number") return undefined;
  if (progress === undefined) return value as unknown as SocketReply;
  return isProgress(progress) ? { id, progress } : undefined;
}

/** @throws AgentManagerError UNREADABLE_REPLY, as the functions below do. */
export function answersIn({ answers }: SocketReply): readonly Answer[] {
  return Array.isArray(answers) ? (answers as readonly Answer[]) : unreadable("Answers");
}

export function admissionIn({ requestId, seq, waitMs, answers }: SocketReply): Admission {
  if (typeof requestId !== "string" || typeof seq !== "number") return unreadable("an admission");
  return {
    requestId,
    seq,
    waitMs: typeof waitMs === "number" ? waitMs : 0,
    ...(Array.isArray(answers) && { answers: answers as readonly Answer[] }),
  };
}

export function requestIn({ request }: SocketReply): RequestView {
  const isView =
    isObject(request) &&
    typeof request["agentId"] === "string" &&
    (request["state"] === "pending" || Array.isArray(request["answers"]));
  return isView ? (request as unknown as RequestView) : unreadable("a Request");
}

export function cancelResultIn({ result }: SocketReply): CancelResult {
  return result === "cancelled" || result === "asked" || result === "settled"
    ? result
    : unreadable("what was cancelled");
}

/** Codes that do not tell whether the Request was taken. */
const unsure: ReadonlySet<string> = new Set([
  "INTERNAL",
  "MANAGER_UNAVAILABLE",
  "REQUEST_FORGOTTEN",
  "REQUEST_UNKNOWN",
]);

/**
 * A refusal as the caller gets it. `mayBeTaken`: this gateway refuses, but another one may have the Request, by an earlier
 * connection.
 */
export function refusalOf(
  { code, detail, apiUrl }: ProblemMessage,
  requestId?: string,
  mayBeTaken = false,
): AgentManagerError {
  const outcome = unsure.has(code) || mayBeTaken ? "unknown" : "notSent";
  return new AgentManagerError(code, outcome, detail, { requestId, apiUrl });
}

function unreadable(what: string): never {
  const message = `The gateway did not reply with ${what}: it is of another release than this client.`;
  throw new AgentManagerError("UNREADABLE_REPLY", "unknown", message);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isProblem(value: unknown): value is ProblemMessage {
  return (
    isObject(value) && typeof value["code"] === "string" && typeof value["detail"] === "string"
  );
}

function isProgress(value: unknown): value is ProgressReply["progress"] {
  return isObject(value) && Number.isInteger(value["index"]) && isObject(value["answer"]);
}
