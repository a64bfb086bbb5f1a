/**
 * `npm run bench -- storm`: a fleet on two gateways. One is killed (asked: all agents Up on the other in 90 s); then
 * everything but the agents is killed and started again. Counts what must not be: investigations of live hosts, and Downs.
 * The floor is bare signalWithStart of as many known workflows: what Temporal alone needs to hear of the new sessions.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { newestEventId } from "../src/db/index.ts";
import { startBareTemporal } from "./floors/bare-temporal.ts";
import { inParallel } from "./measure.ts";
import { readMetrics } from "./prometheus.ts";
import { round, type BenchResult } from "./result.ts";
import { withStack, type BenchGateway, type BenchStack, type Progress } from "./stack.ts";
import { tellingConnected } from "./telling.ts";

const agentsDefault = 10_000;
const gatewayIds = ["gateway-1", "gateway-2"] as const;
/** Agents that start to connect each second, before anything is measured. */
const connectsPerSecond = 50;
const askedSeconds = 90;
/** Workflows of the floor, and how many signals to them are under way. */
const bareWorkflows = 500;
const bareInFlight = 64;
const lookEveryMs = 2_000;
/** After so long it is given up: the result says how many are not Up. */
const patienceMs = 900_000;

/** As in operation, but for what the bench's stack sets otherwise. */
const asShipped = { MUSTER_HANDSHAKES_MAX: "64" };

/** What one blow came to. */
interface Storm {
  readonly seconds: number;
  /** Agents that were not Up when it was given up; 0 in a good run. */
  readonly missing: number;
  readonly falseInvestigations: number;
  readonly falseDowns: number;
  /** Sessions that began: more than agents when handshakes failed half-way. */
  readonly sessions: number;
  /** Agents that were told that their gateway is lost, before they were back. */
  readonly gatewayLost: number;
  /** Handshakes that were put off, as the gateways that are left tell. */
  readonly putOff: number;
}

/** Kills a gateway under the fleet, then restarts everything under it. */
export async function benchStorm(
  progress: Progress,
  { agents = agentsDefault }: { readonly agents?: number },
): Promise<BenchResult> {
  return await withStack(progress, async (stack) => {
    await stack.startWorker();
    const [first, second] = await startGateways(stack);
    await startFleet(stack, agents, [first, second], progress);
    const barePerSecond = await measureFloor(stack);

    progress(`${first.id} is killed`);
    const killed = await ride(stack, agents, progress, [second.id], async () => {
      await first.child.stop();
      return [second];
    });
    progress(`all Up after ${killed.seconds} s; now everything is killed and started again`);
    const restarted = await ride(stack, agents, progress, gatewayIds, () =>
      restartAll(stack, [first, second]),
    );

    const { seconds, falseInvestigations, falseDowns } = killed;
    const floor = agents / gatewayIds.length / barePerSecond;
    return {
      bench: "storm",
      unit: "s until all are Up",
      figure: seconds,
      floor: round(floor),
      ratio: round(floor / seconds),
      askedFigureMost: askedSeconds,
      agents,
      gateways: gatewayIds.length,
      seconds,
      restartSeconds: restarted.seconds,
      falseInvestigations: falseInvestigations + restarted.falseInvestigations,
      falseDowns: falseDowns + restarted.falseDowns,
      missing: killed.missing + restarted.missing,
      killed,
      restarted,
    };
  });
}

async function startGateways(stack: BenchStack): Promise<readonly [BenchGateway, BenchGateway]> {
  const [first, second] = gatewayIds;
  return await Promise.all([
    stack.startGateway(first, asShipped),
    stack.startGateway(second, asShipped),
  ]);
}

/** Half of the agents on each gateway, in two processes. */
async function startFleet(
  stack: BenchStack,
  agents: number,
  [first, second]: readonly [BenchGateway, BenchGateway],
  progress: Progress,
): Promise<void> {
  const half = Math.ceil(agents / 2);
  const pace = { connectsPerSecond: connectsPerSecond / 2 };
  await tellingConnected(stack, agents, progress, () =>
    Promise.all([
      stack.startSimulators([first, second], half, { prefix: "sim-1", ...pace }),
      stack.startSimulators([second, first], agents - half, { prefix: "sim-2", ...pace }),
    ]),
  );
  await stack.agentsUp(agents);
}

/** Bare signals with start to known workflows, taken by their worker, for each second. */
async function measureFloor(stack: BenchStack): Promise<number> {
  const bare = await startBareTemporal(stack.temporal, stack.temporalAddress, stack.namespace);
  try {
    const payload = { epoch: 1, gateway: { gatewayId: "bench", incarnation: crypto.randomUUID() } };
    const signalAll = async (): Promise<void> => {
      await inParallel(bareWorkflows, bareInFlight, (number) =>
        bare.signalWithStart(`bench-bare-${number}`, payload),
      );
      await bare.allTaken();
    };
    await signalAll();
    const began = performance.now();
    await signalAll();
    return (bareWorkflows * 1_000) / (performance.now() - began);
  } finally {
    await bare.stop();
  }
}

/** Everything goes at once but the agents, and comes back under the same addresses. */
async function restartAll(
  stack: BenchStack,
  gateways: readonly [BenchGateway, BenchGateway],
): Promise<readonly BenchGateway[]> {
  await stack.stopManagers();
  await stack.servers.stop();
  await stack.servers.startAgain();
  await stack.startWorker();
  return await Promise.all(
    gateways.map(({ id, agentUrl }) =>
      stack.startGateway(id, { ...asShipped, MUSTER_AGENT_PORT: new URL(agentUrl).port }),
    ),
  );
}

/**
 * Strikes, and waits until every agent is Up with a session on one of the gateways `on`, as its lifecycle knows.
 * @param strike gives the gateways that are there afterwards.
 */
async function ride(
  stack: BenchStack,
  agents: number,
  progress: Progress,
  on: readonly string[],
  strike: () => Promise<readonly BenchGateway[]>,
): Promise<Storm> {
  const sinceId = await newestEventId(stack.db);
  // What is here already stays, unless nothing stays.
  const sessionsSince = on.length === gatewayIds.length ? new Date() : new Date(0);
  const began = performance.now();
  const left = await strike();
  let up = 0;
  await tellingConnected(stack, agents, progress, async () => {
    for (;;) {
      up = await countBack(stack, on, sessionsSince);
      if (up >= agents || performance.now() - began > patienceMs) return;
      await sleep(lookEveryMs);
    }
  });
  const seconds = round((performance.now() - began) / 1_000);
  const count = (where: string) => countEvents(stack, sinceId, where);
  return {
    seconds,
    missing: agents - up,
    falseInvestigations: await count("type = 'investigation'"),
    falseDowns: await count("type = 'status' AND data ->> 'to' = 'Down'"),
    sessions: await count("type = 'connected'"),
    gatewayLost: await count("type = 'gatewayLost'"),
    putOff: await putOff(stack, left),
  };
}

/** Agents that are Up by a session that their lifecycle has taken up. */
async function countBack(
  { db }: BenchStack,
  on: readonly string[],
  sessionsSince: Date,
): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*) AS count FROM agents a JOIN sessions s ON s.agent_id = a.id
      WHERE a.status = 'Up' AND s.closed_at IS NULL AND s.gateway_id = ANY ($1) AND s.connected_at >= $2
        AND EXISTS (SELECT FROM events e WHERE e.agent_id = a.id AND e.epoch = s.epoch AND e.type = 'connected')`,
    [on, sessionsSince],
  );
  return rows[0]?.count ?? 0;
}

/** @param where of the bench's own, in SQL. */
async function countEvents({ db }: BenchStack, sinceId: number, where: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*) AS count FROM events WHERE id > $1 AND ${where}`,
    [sinceId],
  );
  return rows[0]?.count ?? 0;
}

/** Handshakes that these gateways have put off since they started. */
async function putOff(
  { apiToken }: BenchStack,
  gateways: readonly BenchGateway[],
): Promise<number> {
  const counts = await Promise.all(
    gateways.map(async ({ apiUrl }) => {
      const metrics = await readMetrics(`${apiUrl}/metrics`, apiToken);
      return metrics.sum("muster_gateway_handshakes_total", ({ result }) => result === "BUSY");
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
