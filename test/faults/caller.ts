/**
 * A caller as docs/CLIENT-API.md wants it: names its Request, and asks again under that name, at another gateway, when
 * its connection dies or nobody can tell.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "../../src/api/index.ts";
import { longWaitMs } from "./checker.ts";
import type { CallerEnd, LoadRequest } from "./facts.ts";
import type { Chance } from "./seeded.ts";

/** Beyond the wait: faults and what follows them may take so long. */
const patienceMs = 40_000;
const pauseMs = { least: 50, most: 500 };
/** Some callers hang up early and ask elsewhere; the others wait as long as their gateway does. */
const hangUpMs = { least: 4_000, most: 15_000 };

export interface Gateways {
  readonly apiUrls: readonly [string, ...string[]];
  readonly token: string;
}

export async function callUntilAnswered(
  request: LoadRequest,
  { apiUrls, token }: Gateways,
  chance: Chance,
): Promise<{ readonly caller: CallerEnd; readonly tookMs: number; readonly asked: number }> {
  const startedMs = performance.now();
  const overMs = startedMs + Math.max(request.waitMs, longWaitMs) + patienceMs;
  const first = chance.between(0, apiUrls.length - 1);
  const hangsUpAfterMs = chance.happens(0.7)
    ? chance.between(hangUpMs.least, hangUpMs.most)
    : patienceMs + longWaitMs;
  let last: string;
  for (let asked = 1; ; asked++) {
    const url = apiUrls[(first + asked - 1) % apiUrls.length] ?? apiUrls[0];
    const reply = await askOnce(request, url, token, hangsUpAfterMs);
    const tookMs = performance.now() - startedMs;
    if (reply.type !== "again") return { caller: reply, tookMs, asked };
    last = reply.why;
    if (performance.now() > overMs) return { caller: { type: "gaveUp", last }, tookMs, asked };
    await sleep(chance.between(pauseMs.least, pauseMs.most));
  }
}

type Reply =
  Exclude<CallerEnd, { type: "gaveUp" }> | { readonly type: "again"; readonly why: string };

async function askOnce(
  request: LoadRequest,
  url: string,
  token: string,
  withinMs: number,
): Promise<Reply> {
  const { requestId, agentId, commands, onError, waitMs } = request;
  try {
    const response = await fetch(`${url}/api/v1/agents/${agentId}/commands`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ requestId, commands, onError, waitSeconds: waitMs / 1_000 }),
      signal: AbortSignal.timeout(withinMs),
    });
    const body = (await response.json()) as { answers?: readonly Answer[]; code?: string };
    if (response.status === 200 && body.answers !== undefined) {
      if (body.answers.every(({ errorCode }) => errorCode === "NO_NEWS")) {
        return { type: "again", why: "NO_NEWS" };
      }
      return { type: "answered", answers: body.answers };
    }
    const code = body.code ?? `HTTP ${response.status}`;
    return response.status >= 500 ? { type: "again", why: code } : { type: "refused", code };
  } catch (error) {
    // The connection died, or the caller hung up: what became of the Request is not known to it.
    return { type: "again", why: String((error as { cause?: unknown }).cause ?? error) };
  }
}
