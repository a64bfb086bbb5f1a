/**
 * `npm run bench -- idle`: what an idle fleet costs Temporal, beside the plain way in the same run: one signal and a re-set
 * timer for each ping (asked: at most a tenth of its writes at 10,000 agents). Also CPU, the gateways' memory, and how soon
 * a silent agent is found: with its gateway alive, and when its gateway dies at the same moment.
 *
 * Windows are shorter than an hour. Muster's writes are those of the window, times what an hour has more; the relay budget
 * is the shipped one, so they do not depend on the ping interval once relays are stretched. The plain way's are writes for
 * each ping, times the pings of an hour at one a minute.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectingAgent } from "./connecting-agent.ts";
import { readCpu, type CpuTimes } from "./cpu.ts";
import { startPlainFleet } from "./floors/plain-pings.ts";
import { readMetrics } from "./prometheus.ts";
import { round, type BenchResult } from "./result.ts";
import { detectSilence } from "./silent-agents.ts";
import { withStack, type BenchGateway, type BenchStack, type Progress } from "./stack.ts";
import { tellingConnected } from "./telling.ts";

const agentsDefault = 1_000;
const pingSecondsDefault = 20;
const connectsPerSecond = 50;
const windowMs = 60_000;
const emptyWindowMs = 10_000;
const heapLookEveryMs = 2_000;
/** Workflows of the plain way, at most: each ping costs the same. */
const plainMax = 1_000;
const silentAgents = 10;
const timeoutIntervals = 2.5;
/** The design's: a silent agent is found within 2.5 intervals and this. */
const toleranceMs = 1_000;
const hourMs = 3_600_000;
const pingsPerHour = 60;
const askedMost = 0.1;

/** Temporal's writes to its database and the CPU of everything, in one window. */
interface Spent {
  readonly writes: number;
  readonly cpuMs: CpuTimes;
}

/** Measures the plain way, then Muster. */
export async function benchIdle(
  progress: Progress,
  options: { readonly agents?: number; readonly pingSeconds?: number },
): Promise<BenchResult> {
  const { agents = agentsDefault, pingSeconds = pingSecondsDefault } = options;
  const pingIntervalMs = pingSeconds * 1_000;
  return await withStack(progress, async (stack) => {
    const plain = await measurePlain(stack, Math.min(agents, plainMax), pingIntervalMs, progress);
    const env = { MUSTER_PING_INTERVAL_MS: String(pingIntervalMs), MUSTER_HANDSHAKES_MAX: "64" };
    await stack.startWorker();
    const gateways = await Promise.all([
      stack.startGateway("gateway-1", env),
      stack.startGateway("gateway-2", env),
    ]);
    const emptyBytes = residentBytes(gateways);
    const emptyHeapBytes = await leastHeapBytes(stack, gateways, () => sleep(emptyWindowMs));
    await startFleet(stack, agents, gateways, progress);
    progress("letting the first timers ring");
    await sleep(timeoutIntervals * pingIntervalMs + 5_000);
    progress(`measuring the idle fleet for ${windowMs / 1_000} s`);
    let heapBytes = 0;
    const muster = await spend(stack, async () => {
      heapBytes = await leastHeapBytes(stack, gateways, () => sleep(windowMs));
    });
    const memoryBytes = (residentBytes(gateways) - emptyBytes) / agents;
    const detection = await measureDetection(stack, gateways, pingIntervalMs, progress);

    const figure = (muster.writes * hourMs) / windowMs;
    const floor = plain.writesPerPing * agents * pingsPerHour;
    const cores = (cpuMs: CpuTimes) =>
      Object.fromEntries(Object.entries(cpuMs).map(([name, ms]) => [name, round(ms / windowMs)]));
    return {
      bench: "idle",
      unit: "Temporal writes an hour",
      figure: round(figure),
      floor: round(floor),
      ratio: round(figure / floor),
      askedMost,
      agents,
      gateways: gateways.length,
      pingIntervalSeconds: pingSeconds,
      windowSeconds: windowMs / 1_000,
      plainAgents: Math.min(agents, plainMax),
      plainWritesPerPing: round(plain.writesPerPing),
      cores: round(sum(muster.cpuMs) / windowMs),
      coresByProcess: cores(muster.cpuMs),
      plainCores: round((plain.cpuMsPerPing * agents * pingsPerHour) / hourMs),
      // Of few agents it is lost in what the collector has not given back yet.
      ...(agents >= 5_000 && { gatewayResidentKbPerAgent: round(memoryBytes / 1_024) }),
      gatewayHeapKbPerAgent: round((heapBytes - emptyHeapBytes) / agents / 1_024),
      ...detection,
    };
  });
}

/** Writes and CPU of one ping the plain way. */
async function measurePlain(
  stack: BenchStack,
  agents: number,
  pingIntervalMs: number,
  progress: Progress,
): Promise<{ readonly writesPerPing: number; readonly cpuMsPerPing: number }> {
  progress(`the plain way: ${agents} agents, one signal and a re-set timer a ping`);
  const { temporal, temporalAddress, namespace } = stack;
  const timeoutMs = timeoutIntervals * pingIntervalMs + hourMs;
  const fleet = await startPlainFleet(temporal, temporalAddress, namespace, agents, timeoutMs);
  try {
    let pings = 0;
    const spent = await spend(
      stack,
      async () => {
        pings = await fleet.pingFor(windowMs);
      },
      { "plain worker": fleet.workerPid },
    );
    return { writesPerPing: spent.writes / pings, cpuMsPerPing: sum(spent.cpuMs) / pings };
  } finally {
    await fleet.stop();
  }
}

/** Half of the agents on each gateway. */
async function startFleet(
  stack: BenchStack,
  agents: number,
  gateways: readonly BenchGateway[],
  progress: Progress,
): Promise<void> {
  const pace = { connectsPerSecond: connectsPerSecond / gateways.length };
  const share = Math.ceil(agents / gateways.length);
  await tellingConnected(stack, agents, progress, () =>
    Promise.all(
      gateways.map((gateway, number) => {
        const order = [gateway, ...gateways.filter((other) => other !== gateway)];
        const count = Math.min(share, agents - number * share);
        return stack.startSimulators(order, count, { prefix: `sim-${number + 1}`, ...pace });
      }),
    ),
  );
  await stack.agentsUp(agents);
}

/** Agents fall silent, sockets open: once with their gateway alive, once while it is killed, with nobody to come back. */
async function measureDetection(
  stack: BenchStack,
  [alive, dying]: readonly BenchGateway[],
  pingIntervalMs: number,
  progress: Progress,
) {
  if (alive === undefined || dying === undefined) throw new Error("Two gateways are needed.");
  const patienceMs = timeoutIntervals * pingIntervalMs + 300_000;
  const limitMs = timeoutIntervals * pingIntervalMs + toleranceMs;
  const quiet = await connect(stack, "silent", alive);
  progress("agents fall silent; their gateway lives");
  const silentMs = await detectSilence(stack, quiet, { patienceMs });
  const orphans = await connect(stack, "orphan", dying);
  progress("agents fall silent; their gateway is killed");
  const orphanMs = await detectSilence(stack, orphans, {
    patienceMs,
    onSilent: () => dying.child.stop(),
  });
  for (const agent of [...quiet, ...orphans]) agent.close();
  return {
    detectionSeconds: round(silentMs / 1_000),
    detectionGatewayDeadSeconds: round(orphanMs / 1_000),
    detectionAskedMostSeconds: limitMs / 1_000,
    detectionMet: silentMs <= limitMs && orphanMs <= limitMs,
  };
}

async function connect(
  stack: BenchStack,
  prefix: string,
  { agentUrl }: BenchGateway,
): Promise<readonly ConnectingAgent[]> {
  const agents = Array.from(
    { length: silentAgents },
    (_, number) => new ConnectingAgent(`${prefix}-${number}`, stack.joinToken),
  );
  for (const agent of agents) await agent.connect(agentUrl);
  await stack.connectedEvents(prefix, 1, silentAgents);
  return agents;
}

async function spend(
  stack: BenchStack,
  work: () => Promise<void>,
  more: Readonly<Record<string, number | undefined>> = {},
): Promise<Spent> {
  const writesBefore = await countWrites(stack);
  const watched = { ...stack.watched, ...more };
  const before = readCpu(watched);
  await work();
  const after = readCpu(watched);
  const cpuMs = Object.fromEntries(
    Object.entries(after).map(([name, ms]) => [name, ms - (before[name] ?? 0)]),
  );
  return { writes: (await countWrites(stack)) - writesBefore, cpuMs };
}

/** Requests of Temporal's history service to its database that change a workflow of the bench. */
async function countWrites({ servers, namespace }: BenchStack): Promise<number> {
  const metrics = await readMetrics(servers.temporalMetricsUrl);
  return metrics.sum(
    "persistence_requests",
    (labels) =>
      labels["namespace"] === namespace &&
      labels["service_name"] === "history" &&
      /^(Create|Update|Append|Conflict|Set|Delete|Add)/.test(labels["operation"] ?? ""),
  );
}

/** Memory of the gateways that the machine sees (Linux). */
function residentBytes(gateways: readonly BenchGateway[]): number {
  return gateways.reduce((total, { child }) => {
    const status = readFileSync(`/proc/${child.process.pid ?? 0}/status`, "latin1");
    return total + Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
  }, 0);
}

/** What is used of the gateways' heaps when the collector has just been there, while `work` goes on. */
async function leastHeapBytes(
  { apiToken }: BenchStack,
  gateways: readonly BenchGateway[],
  work: () => Promise<void>,
): Promise<number> {
  const least = gateways.map(() => Infinity);
  const over = new AbortController();
  const done = work().finally(() => {
    over.abort();
  });
  while (!over.signal.aborted) {
    for (const [number, { apiUrl }] of gateways.entries()) {
      const metrics = await readMetrics(`${apiUrl}/metrics`, apiToken);
      const usedBytes = metrics.sum("nodejs_heap_size_used_bytes");
      least[number] = Math.min(least[number] ?? Infinity, usedBytes);
    }
    await sleep(heapLookEveryMs);
  }
  await done;
  return least.reduce((total, bytes) => total + bytes, 0);
}

function sum(cpuMs: CpuTimes): number {
  return Object.values(cpuMs).reduce((total, ms) => total + ms, 0);
}
