/** Runs one cell of the fault matrix: load, hold, break, heal, and judge what is left. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  agentWorkflowId,
  requestQuery,
  type RequestView,
} from "../../src/workflows/agent-messages.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { breakIt } from "./break.ts";
import { callUntilAnswered } from "./caller.ts";
import { judge, type Verdict } from "./checker.ts";
import type { CellFacts, LoadRequest, RequestFacts } from "./facts.ts";
import { holdAt } from "./hold.ts";
import { makeLoad } from "./load.ts";
import type { Cell } from "./matrix.ts";
import { readNotes } from "./notes.ts";
import { notReplayed } from "./replay.ts";
import { seeded } from "./seeded.ts";
import { agentIds, type FaultStack } from "./stack.ts";

/** Everybody is well again within this time after the fault, or something is broken for good. */
const wellWithinMs = 40_000;
const askedAtOnce = 8;

export interface CellResult extends Verdict {
  readonly cell: string;
  readonly seed: string;
  readonly seconds: number;
  /** What was hit, and how the load was held. */
  readonly what: string;
  /** How often callers asked, for each Request. */
  readonly asked: number;
  /** Since the first asking: everything was held, was whole again, was answered, was well. */
  readonly heldAfterMs: number;
  readonly healedAfterMs: number;
  readonly answeredAfterMs: number;
  readonly wellAfterMs: number;
}

export interface CellOptions {
  readonly seed: string;
  readonly commands: number;
  /** Makes the ids of this run its own. */
  readonly no: number;
}

export async function runCell(
  stack: FaultStack,
  cell: Cell,
  { seed, commands, no }: CellOptions,
): Promise<CellResult> {
  const startedMs = performance.now();
  const chance = seeded(`${seed}/${cell.name}`);
  const load = makeLoad(chance, { prefix: `n${no}`, agentIds, commands });
  const lastEvents = await newestEvents(stack);
  const hold = await holdAt(stack, cell, load, chance);
  const callsStartedMs = performance.now();
  const sinceCalls = () => Math.round(performance.now() - callsStartedMs);
  const calls = load.map((request, i) =>
    callUntilAnswered(
      request,
      { apiUrls: stack.apiUrls, token: stack.apiToken },
      seeded(`${seed}/${cell.name}/${i}`),
    ),
  );
  const notHeld = await failureOf(hold.reached());
  const heldAfterMs = sinceCalls();
  const broken = breakIt(stack, cell, chance);
  await sleep(chance.between(0, 1_500));
  hold.release();
  await broken.healed;
  const healedAfterMs = sinceCalls();
  const ends = await Promise.all(calls);
  const answeredAfterMs = sinceCalls();
  const notWell = [...notHeld, ...(await whatIsNotWell(stack, `n${no}`))];
  const wellAfterMs = sinceCalls();
  const facts = await collect(stack, load, lastEvents);
  const verdict = judge({
    ...facts,
    requests: facts.requests.map((request, i) => ({ ...request, ...ends[i] }) as RequestFacts),
    brokenAgentPids: broken.agentPids,
    healedAfterMs,
    notWell,
  });
  return {
    cell: cell.name,
    seed,
    seconds: (performance.now() - startedMs) / 1_000,
    what: `${broken.what}; ${hold.how}`,
    asked: ends.reduce((sum, { asked }) => sum + asked, 0) / load.length,
    ...{ heldAfterMs, healedAfterMs, answeredAfterMs, wellAfterMs },
    ...verdict,
  };
}

/** What kept the load from being held where it should be, such as a machine that is far too busy. */
async function failureOf(reached: Promise<void>): Promise<readonly string[]> {
  try {
    await reached;
    return [];
  } catch (error) {
    return [`not held: ${String(error)}`];
  }
}

/** Every process lives, every gateway is ready, every agent is Up and carries out a Command. */
async function whatIsNotWell(stack: FaultStack, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  const check = async (what: string, work: () => Promise<unknown>) => {
    await work().catch((error: unknown) => found.push(`${what}: ${String(error)}`));
  };
  for (const one of Object.values(stack.processes).flat()) {
    const how = one.endedWith();
    if (how !== undefined) found.push(`${one.name} ended with ${how}`);
  }
  await check("agents", () => stack.untilUp(wellWithinMs));
  for (const url of stack.apiUrls) {
    await check(url, () =>
      waitUntil("the gateway is ready", async () => (await fetch(`${url}/readyz`)).ok, {
        timeoutMs: wellWithinMs,
      }),
    );
  }
  await Promise.all(
    agentIds.map((agentId) =>
      check(agentId, async () => {
        const id = `${prefix}-after-${agentId}`;
        const command = { id, type: "Step", fails: false, takesMs: 0, pauseAfter: false } as const;
        const request = { requestId: id, agentId, commands: [command], onError: "stop" } as const;
        const { caller, tookMs } = await callUntilAnswered(
          { ...request, waitMs: wellWithinMs },
          { apiUrls: stack.apiUrls, token: stack.apiToken },
          seeded(id),
        );
        const well = caller.type === "answered" && caller.answers[0]?.result === true;
        if (!well || tookMs > wellWithinMs) throw new Error(JSON.stringify({ caller, tookMs }));
      }),
    ),
  );
  return found;
}

type Collected = Pick<CellFacts, "notes" | "statusEvents" | "historyLengths" | "notReplayed"> & {
  readonly requests: readonly (LoadRequest & Pick<RequestFacts, "record" | "lifecycle">)[];
};

async function collect(
  stack: FaultStack,
  load: readonly LoadRequest[],
  lastEvents: Readonly<Record<string, number>>,
): Promise<Collected> {
  const requests = await someAtOnce(load, async (request) => {
    const { requestId, agentId } = request;
    const handle = stack.temporal.workflow.getHandle(agentWorkflowId(agentId));
    // "I can't say now" is neither yes nor no.
    const reply = await waitUntil(`the API tells of ${requestId}`, async () => {
      const said = await stack.get(`/api/v1/requests/${requestId}`);
      return said?.status === 200 || said?.status === 404 ? said : undefined;
    });
    return {
      ...request,
      record: reply.status === 200 ? (reply.body as RequestView) : null,
      lifecycle: await handle.query(requestQuery, requestId),
    };
  });
  const entries = await Promise.all(
    agentIds.map(async (agentId) => {
      const handle = stack.temporal.workflow.getHandle(agentWorkflowId(agentId));
      const events = await eventsAfter(stack, agentId, lastEvents[agentId] ?? 0);
      return {
        agentId,
        notes: readNotes(stack.folderOf(agentId), load),
        events: events.filter(({ type }) => type === "status").map(({ text }) => text),
        length: (await handle.describe()).historyLength,
      };
    }),
  );
  return {
    requests,
    notes: Object.fromEntries(entries.map(({ agentId, notes }) => [agentId, notes])),
    statusEvents: Object.fromEntries(entries.map(({ agentId, events }) => [agentId, events])),
    historyLengths: Object.fromEntries(entries.map(({ agentId, length }) => [agentId, length])),
    notReplayed: await notReplayed(stack),
  };
}

async function someAtOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  const one = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      results[next[0]] = await work(next[1]);
    }
  };
  await Promise.all(Array.from({ length: askedAtOnce }, one));
  return results;
}

interface EventLine {
  readonly id: number;
  readonly type: string;
  readonly text: string;
}

async function newestEvents(stack: FaultStack): Promise<Readonly<Record<string, number>>> {
  const entries = agentIds.map(async (agentId) => {
    const events = await eventsAfter(stack, agentId, 0);
    return [agentId, Math.max(0, ...events.map(({ id }) => id))] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function eventsAfter(
  stack: FaultStack,
  agentId: string,
  after: number,
): Promise<readonly EventLine[]> {
  const path = `/api/v1/agents/${agentId}/events?limit=1000`;
  const reply = await stack.get(after === 0 ? path : `${path}&after=${after}`);
  return (reply?.body as { events?: EventLine[] } | undefined)?.events ?? [];
}
