/** What a gateway says on `/api/v1/socket` (docs/CLIENT-API.md). */
import type { Answer } from "../api/index.ts";
import { AgentManagerError } from "./errors.ts";

export interface ProblemMessage {
  readonly code: string;
  readonly detail: string;
  readonly apiUrl?: string;
}
export type SocketMessage =
  | { readonly id: number; readonly answers: readonly Answer[] }
  | { readonly id: number | null; readonly problem: ProblemMessage };

/** Reads a message; undefined for what is none. */
export function readMessage(text: string): SocketMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { id, answers, problem } = value as Readonly<Record<string, unknown>>;
  if (typeof id === "number" && Array.isArray(answers)) {
    return { id, answers: answers as readonly Answer[] };
  }
  const isId = typeof id === "number" || id === null;
  return isId && isProblem(problem) ? { id, problem } : undefined;
}

/** Codes that do not tell whether the Request was taken. */
const unsure: ReadonlySet<string> = new Set(["INTERNAL", "MANAGER_UNAVAILABLE"]);

export function refusalOf(problem: ProblemMessage, requestId?: string): AgentManagerError {
  const { code, detail, apiUrl } = problem;
  const outcome = unsure.has(code) ? "unknown" : "notSent";
  return new AgentManagerError(code, outcome, detail, { requestId, apiUrl });
}

function isProblem(value: unknown): value is ProblemMessage {
  if (typeof value !== "object" || value === null) return false;
  const { code, detail } = value as Readonly<Record<string, unknown>>;
  return typeof code === "string" && typeof detail === "string";
}
