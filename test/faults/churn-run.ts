/** Traffic on both lanes while gateways come, go, die and stand still; then the checker of the fault matrix judges. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "../../src/api/index.ts";
import type { RequestView } from "../../src/workflows/agent-messages.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { callUntilAnswered } from "./caller.ts";
import { judge, longWaitMs } from "./checker.ts";
import { happen, kindsOf, type ChurnEvent } from "./churn-events.ts";
import { startFleet, type ChurnFleet } from "./churn-fleet.ts";
import type { RequestFacts } from "./facts.ts";
import { makeLoad } from "./load.ts";
import { seeded } from "./seeded.ts";
import type { FaultStack } from "./stack.ts";

export interface ChurnOptions {
  readonly agents: number;
  readonly seed: string;
  /** No event begins later. */
  readonly minutes: number;
  readonly eventsMax?: number;
  readonly durablePerSecond: number;
  readonly directPerSecond: number;
  readonly say: (text: string) => void;
}

export interface ChurnResult {
  readonly events: readonly ChurnEvent[];
  readonly durable: number;
  readonly direct: number;
  readonly unknownDirect: number;
  /** Of Commands outside of all events, and during drains, in milliseconds. */
  readonly quietP99Ms: number;
  readonly drainMaxMs: number;
  /** Commands that a planned drain held up. */
  readonly late: readonly string[];
  readonly violations: readonly string[];
}

interface Call {
  readonly lane: "durable" | "direct";
  readonly id: string;
  readonly fromMs: number;
  toMs: number;
  /** Of the direct lane. */
  end?: string;
}

/** A Command may take so much longer than its peers while its gateway is drained. */
const drainCostMs = 1_000;
/** What events leave behind may last so long: leases, graces, callers who ask again. */
const aftermathMs = 30_000;
const pauseMs = { least: 1_000, most: 4_000 };

export async function runChurn(stack: FaultStack, options: ChurnOptions): Promise<ChurnResult> {
  const { agents, say } = options;
  const startedMs = performance.now();
  const nowMs = () => performance.now() - startedMs;
  const fleet = await startFleet({ agents, gateways: stack.agentUrls, home: stack.home });
  try {
    await untilAllUp(stack, agents);
    say(`${agents} agents are Up after ${Math.round(nowMs() / 1_000)} s`);
    const traffic = new Traffic(stack, fleet, options, nowMs);
    const events = await churn(stack, options, nowMs);
    await sleep(1_000);
    await traffic.stop();
    await untilAllUp(stack, agents);
    say("everything was answered: judging");
    return await verdict(stack, fleet, traffic, events);
  } finally {
    await fleet.stop();
  }
}

async function churn(
  stack: FaultStack,
  { seed, minutes, eventsMax = Infinity, say }: ChurnOptions,
  nowMs: () => number,
): Promise<readonly ChurnEvent[]> {
  const chance = seeded(`${seed}/events`);
  const kinds = kindsOf(chance);
  const overMs = nowMs() + minutes * 60_000;
  const events: ChurnEvent[] = [];
  await sleep(pauseMs.most);
  while (nowMs() < overMs && events.length < eventsMax) {
    const event = await happen(stack, kinds(), chance, nowMs);
    events.push(event);
    const rate = event.movedPerSecond?.toFixed(0);
    const took = ((event.toMs - event.fromMs) / 1_000).toFixed(1);
    say(
      `${(event.fromMs / 1_000).toFixed(0)} s: ${event.what}, ${took} s${rate ? `, ${rate}/s` : ""}`,
    );
    await sleep(chance.between(pauseMs.least, pauseMs.most));
  }
  return events;
}

class Traffic {
  readonly calls: Call[] = [];
  readonly requests: RequestFacts[] = [];
  readonly #open = new Set<Promise<void>>();
  readonly #timers: NodeJS.Timeout[];

  constructor(
    stack: FaultStack,
    { agentIds }: ChurnFleet,
    { seed, durablePerSecond, directPerSecond }: ChurnOptions,
    nowMs: () => number,
  ) {
    const chance = seeded(`${seed}/traffic`);
    let no = 0;
    const note = (lane: Call["lane"], id: string): Call => {
      const call: Call = { lane, id, fromMs: nowMs(), toMs: Infinity };
      this.calls.push(call);
      return call;
    };
    const track = (work: Promise<void>) => {
      this.#open.add(work);
      void work.finally(() => this.#open.delete(work));
    };
    // A few agents get most of it, so that in-sequence Requests wait for each other.
    const busy = agentIds.slice(0, Math.max(4, Math.ceil(agentIds.length / 50)));
    const anAgent = () => {
      const some = chance.happens(0.3) ? busy : agentIds;
      return some[chance.between(0, some.length - 1)] ?? "";
    };
    const durable = async () => {
      const [request] = makeLoad(chance, {
        prefix: `d${no++}`,
        agentIds: [anAgent()],
        commands: chance.between(1, 3),
      });
      if (request === undefined) return;
      const asked = { ...request, waitMs: longWaitMs };
      const call = note("durable", asked.requestId);
      const gateways = { apiUrls: stack.apiUrls, token: stack.apiToken };
      const end = await callUntilAnswered(asked, gateways, seeded(`${seed}/${asked.requestId}`));
      call.toMs = nowMs();
      this.requests.push({ ...asked, ...end, record: null, lifecycle: null });
    };
    const direct = async () => {
      const call = note("direct", `p${no++}`);
      const url = stack.apiUrls[chance.between(0, stack.apiUrls.length - 1)] ?? stack.apiUrls[0];
      call.end = await peek(url, stack.apiToken, anAgent(), call.id);
      call.toMs = nowMs();
    };
    this.#timers = [
      setInterval(() => {
        track(durable());
      }, 1_000 / durablePerSecond),
      setInterval(() => {
        track(direct());
      }, 1_000 / directPerSecond),
    ];
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#open);
  }
}

/** `done`, or why not: the outcome of an Answer, the code of a refusal, or `no connection`. */
async function peek(url: string, token: string, agentId: string, id: string): Promise<string> {
  try {
    const response = await fetch(`${url}/api/v1/agents/${agentId}/commands`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ lane: "direct", waitSeconds: 10, commands: [{ type: "Peek", id }] }),
      signal: AbortSignal.timeout(30_000),
    });
    const body = (await response.json()) as { answers?: readonly Answer[]; code?: string };
    if (body.answers === undefined) return body.code ?? `HTTP ${response.status}`;
    const [answer, ...more] = body.answers;
    if (answer?.commandId !== id || more.length > 0) return "not its own Answer";
    return answer.result ? "done" : (answer.outcome ?? "failed");
  } catch {
    return "no connection";
  }
}

async function verdict(
  stack: FaultStack,
  fleet: ChurnFleet,
  { calls, requests }: Traffic,
  events: readonly ChurnEvent[],
): Promise<ChurnResult> {
  const recorded = await eachOf(requests, async (request): Promise<RequestFacts> => {
    const reply = await waitUntil(`the API tells of ${request.requestId}`, async () => {
      const said = await stack.get(`/api/v1/requests/${request.requestId}`);
      return said?.status === 200 || said?.status === 404 ? said : undefined;
    });
    const record = reply.status === 200 ? (reply.body as RequestView) : null;
    return { ...request, record, lifecycle: record };
  });
  const statuses = await eachOf(fleet.agentIds, async (agentId) => {
    const reply = await stack.get(`/api/v1/agents/${agentId}/events?limit=1000`);
    const { events: lines = [] } = (reply?.body ?? {}) as {
      events?: readonly { readonly type: string; readonly text: string }[];
    };
    return [
      agentId,
      lines.filter(({ type }) => type === "status").map(({ text }) => text),
    ] as const;
  });
  const judged = judge({
    requests: recorded,
    notes: Object.fromEntries(fleet.agentIds.map((id) => [id, fleet.notesOf(id)])),
    brokenAgentPids: [],
    healedAfterMs: aftermathMs,
    statusEvents: Object.fromEntries(statuses),
    historyLengths: {},
    notReplayed: [],
    notWell: [],
  });
  const { quietP99Ms, drainMaxMs, late } = latencies(calls, events);
  const direct = calls.filter(({ lane }) => lane === "direct");
  const odd = direct
    .filter(({ end }) => end !== "done" && end !== "unknown")
    .filter((call) => isQuiet(call, events) || during(call, events, "drain"))
    .map(({ id, end, fromMs }) => `${id}: ${String(end)} at ${seconds(fromMs)} without a cause`);
  return {
    events,
    durable: requests.length,
    direct: direct.length,
    unknownDirect: direct.filter(({ end }) => end === "unknown").length,
    quietP99Ms,
    drainMaxMs,
    late,
    violations: [...judged.violations, ...odd],
  };
}

/** No Command of a planned drain takes a second longer than its peers outside of all events. */
function latencies(calls: readonly Call[], events: readonly ChurnEvent[]) {
  const found = { quietP99Ms: 0, drainMaxMs: 0, late: [] as string[] };
  for (const lane of ["durable", "direct"] as const) {
    const ofLane = calls.filter((call) => call.lane === lane);
    const took = ({ fromMs, toMs }: Call) => toMs - fromMs;
    const quiet = ofLane.filter((call) => isQuiet(call, events)).map(took);
    const sorted = quiet.sort((a, b) => a - b);
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
    found.quietP99Ms = Math.max(found.quietP99Ms, p99);
    for (const call of ofLane.filter((one) => during(one, events, "drain"))) {
      found.drainMaxMs = Math.max(found.drainMaxMs, took(call));
      if (took(call) <= p99 + drainCostMs) continue;
      const text = `took ${Math.round(took(call))} ms during a drain, its peers ${Math.round(p99)} ms`;
      found.late.push(`${lane} ${call.id}: ${text}`);
    }
  }
  return found;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function isQuiet({ fromMs, toMs }: Call, events: readonly ChurnEvent[]): boolean {
  return events.every((event) => toMs < event.fromMs || fromMs > event.toMs + aftermathOf(event));
}

/** A planned drain, and nothing else at that time. */
function during(call: Call, events: readonly ChurnEvent[], kind: ChurnEvent["kind"]): boolean {
  const inside = events.find(
    (event) => event.kind === kind && call.fromMs >= event.fromMs && call.fromMs <= event.toMs,
  );
  return (
    inside !== undefined &&
    isQuiet(
      call,
      events.filter((event) => event !== inside),
    )
  );
}

/** Planned changes leave nothing behind; a lost gateway's agents have to come back first. */
function aftermathOf({ kind }: ChurnEvent): number {
  return kind === "drain" || kind === "add" ? 0 : aftermathMs / 2;
}

async function untilAllUp(stack: FaultStack, agents: number): Promise<void> {
  let up = 0;
  await waitUntil(
    () => `all agents are Up (${up} of ${agents})`,
    async () => {
      up = 0;
      for (let after: string | null = ""; after !== null;) {
        const page = after === "" ? "" : `&after=${after}`;
        const reply = await stack.get(
          `/api/v1/agents?status=Up&resourceType=churn&limit=1000${page}`,
        );
        const body = reply?.body as { agents: unknown[]; next: string | null };
        up += body.agents.length;
        after = body.next;
      }
      return up === agents;
    },
    { timeoutMs: 180_000, everyMs: 500 },
  );
}

async function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  const one = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      results[next[0]] = await work(next[1]);
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
  return results;
}
