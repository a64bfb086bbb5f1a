/** The one hook that an agent waits for: may it connect? */
import type { ConnectingAgent, Veto } from "../../api/index.ts";
import { callInTime, type CallEnd } from "../../hooks/call-in-time.ts";
import { count, type KnownListener, type Listeners } from "../../hooks/listeners.ts";
import type { Log } from "../../telemetry/log.ts";
import { HandshakeRefusedError, ListenerFailedError } from "../errors.ts";

const reasonCharsMax = 500;

/** An error of outside code in so many words that a log or an agent can carry them. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, reasonCharsMax);
}

export interface AskOptions {
  readonly timeoutMs: number;
  /** Whether the agent may connect when a listener fails or takes too long. */
  readonly failureAdmits: boolean;
  readonly log: Log;
}

/**
 * Asks every listener that may veto, all at once; resolves when the agent may connect, after `timeoutMs` at the latest.
 * @throws HandshakeRefusedError VETOED at the first veto; ListenerFailedError when a failure may not admit.
 */
export async function askListeners(
  listeners: Listeners,
  agent: ConnectingAgent,
  { timeoutMs, failureAdmits, log }: AskOptions,
): Promise<void> {
  const asked = listeners.withMethod("onConnecting");
  if (asked.length === 0) return;
  const decided = new AbortController();
  try {
    const failures = await Promise.all(
      asked.map((known) => ask(known, agent, timeoutMs, decided.signal)),
    );
    const failed = failures.filter((failure) => failure !== undefined);
    if (failed.length === 0) return;
    const { agentId } = agent;
    if (!failureAdmits) throw new ListenerFailedError(failed.join("; "));
    log.warn({ agentId, failures: failed }, "admitted without the word of every listener");
  } finally {
    // Nobody needs the others' answers any more.
    decided.abort();
  }
}

/**
 * Asks one. Gives what went wrong, or nothing.
 * @throws HandshakeRefusedError VETOED.
 */
async function ask(
  known: KnownListener,
  agent: ConnectingAgent,
  timeoutMs: number,
  stop: AbortSignal,
): Promise<string | undefined> {
  const { listener } = known;
  const end = await callInTime<unknown>(
    (options) => listener.onConnecting?.(structuredClone(agent), options),
    timeoutMs,
    stop,
  );
  const answer = end.type === "done" ? readAnswer(end.value) : end;
  count(known, "onConnecting", answer.type === "vetoed" ? "vetoed" : answer.type);
  switch (answer.type) {
    case "done":
      return undefined;
    case "vetoed":
      // It was admitted but for this, and what a listener goes by may change without anybody doing something here.
      throw new HandshakeRefusedError("VETOED", `${listener.name} refuses: ${answer.reason}`, {
        ...{ proven: true, retryable: true },
      });
    case "timedOut":
      return `${listener.name} took longer than ${timeoutMs} ms`;
    case "failed":
      return `${listener.name} failed: ${messageOf(answer.error)}`;
  }
}

type Answer = CallEnd<undefined> | { readonly type: "vetoed"; readonly reason: string };

/** Anything but nothing and a veto is a fault of the listener. */
function readAnswer(value: unknown): Answer {
  if (value === undefined || value === null) return { type: "done", value: undefined };
  const veto = typeof value === "object" ? (value as Partial<Veto>).veto : undefined;
  if (typeof veto !== "string") {
    const error = new TypeError("it answered neither nothing nor { veto: reason }");
    return { type: "failed", error };
  }
  const reason = veto.trim() === "" ? "it gave no reason" : veto.slice(0, reasonCharsMax);
  return { type: "vetoed", reason };
}
