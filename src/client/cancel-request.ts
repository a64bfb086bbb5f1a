/** What an aborted signal does to a Request of the durable lane: it is cancelled, and still gets its one Answer for each Command. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "../api/index.ts";
import type { Call } from "./call.ts";
import { cancelBody, requestBody } from "./call-bodies.ts";
import { AgentManagerError } from "./errors.ts";
import type { Link } from "./link.ts";
import { reasonText } from "./on-abort.ts";
import { answersIn, requestIn } from "./socket-messages.ts";

/** How long the Answers to a cancelled Request are waited for. */
const answersMs = 5_000;
/** A Request that is still on its way to the lifecycle is not known yet: the cancel is tried again. */
const retryMs = 100;

/** An open call that carries Commands, and the signal that was aborted. */
export interface AbortedCall {
  readonly link: Link;
  readonly call: Call;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/**
 * Cancels the Request of an open `send`, and gives its Answers when they are there within five seconds.
 * @throws AgentManagerError ABORTED: notSent when it never left, else unknown.
 */
export async function settleAborted(aborted: AbortedCall): Promise<readonly Answer[]> {
  const { link, call, signal } = aborted;
  const withdraw = (): void => {
    link.withdraw(call, "ABORTED", "The signal was aborted.", signal.reason);
  };
  if (call.timesSent === 0) withdraw();
  // From now on it must not be asked again: that could begin what was never admitted.
  call.repeatable = false;
  const overAtMs = performance.now() + answersMs;
  const timer = setTimeout(withdraw, answersMs);
  const settled = new AbortController();
  try {
    if (call.timesSent > 0) void cancelUntilKnown(aborted, overAtMs, settled.signal);
    if (call.onWire || call.timesSent === 0) {
      const answers = await answersUnlessLost(call);
      if (answers !== undefined) return answers;
    } else {
      withdraw();
      call.reply.catch(() => undefined);
    }
    return await answersOnRecord(aborted, overAtMs);
  } finally {
    clearTimeout(timer);
    settled.abort();
  }
}

/** Asks to cancel until the lifecycle knows the Request, its Answers are there, or time is over. */
async function cancelUntilKnown(
  { link, requestId, signal }: Pick<AbortedCall, "link" | "requestId" | "signal">,
  overAtMs: number,
  settled?: AbortSignal,
): Promise<void> {
  const body = cancelBody(requestId, reasonText(signal));
  while (settled?.aborted !== true && performance.now() < overAtMs) {
    const request = { body, repeatable: true, asksOnly: true, requestId } as const;
    try {
      await link.call({ ...request, waitOverMs: overAtMs }).reply;
      return;
    } catch (error) {
      if (!isCode(error, "REQUEST_UNKNOWN")) return;
    }
    await sleep(retryMs);
  }
}

/** When nobody waits for the Answers: how long the cancel is tried. */
export function cancelInBackground(aborted: Pick<AbortedCall, "link" | "requestId" | "signal">) {
  void cancelUntilKnown(aborted, performance.now() + answersMs);
}

async function answersUnlessLost(call: Call): Promise<readonly Answer[] | undefined> {
  try {
    return answersIn(await call.reply);
  } catch (error) {
    if (isCode(error, "CONNECTION_LOST")) return undefined;
    throw error;
  }
}

/** The connection of the call is lost: what became of the Request is asked for over the next one. */
async function answersOnRecord(
  { link, requestId, signal }: AbortedCall,
  overAtMs: number,
): Promise<readonly Answer[]> {
  const why = "The signal was aborted, and the connection lost.";
  for (;;) {
    const leftMs = Math.max(0, overAtMs - performance.now());
    const body = requestBody(requestId, Math.ceil(leftMs / 1_000));
    const request = { body, repeatable: true, asksOnly: true, requestId } as const;
    const call = link.call({ ...request, waitOverMs: overAtMs });
    const timer = setTimeout(() => {
      link.withdraw(call, "ABORTED", why, signal.reason);
    }, leftMs);
    try {
      const { answers } = requestIn(await call.reply);
      if (answers !== undefined) return answers;
    } catch (error) {
      if (!isCode(error, "REQUEST_UNKNOWN")) throw error;
    } finally {
      clearTimeout(timer);
    }
    await sleep(retryMs);
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof AgentManagerError && error.code === code;
}
