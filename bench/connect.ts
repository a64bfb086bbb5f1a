/**
 * `npm run bench -- connect`: agents that connect, from the socket until their lifecycle has taken it and the event log
 * shows it, beside bare signalWithStart on an empty workflow until its worker has taken the signal (DESIGN §13: ≥ 0.7 of
 * it). Once for new agents, once for known ones that connect again.
 */
import { startBareTemporal, type BareTemporal } from "./floors/bare-temporal.ts";
import { ConnectingAgent } from "./connecting-agent.ts";
import { cpuPerCall, readCpu, type CpuTimes, type Watched } from "./cpu.ts";
import { inParallel, median } from "./measure.ts";
import { medianCpu, round, type BenchResult } from "./result.ts";
import { withStack, type BenchStack, type Progress } from "./stack.ts";

const agents = 300;
const inFlight = 64;
const rounds = 2;
const asked = 0.7;

interface Measured {
  readonly perSecond: number;
  readonly cpuMs: CpuTimes;
}
interface Round {
  readonly floor: Measured;
  readonly figure: Measured;
}
interface FreshAndKnown {
  readonly fresh: Round;
  readonly known: Round;
}

/** Measures new agents and known ones; the ratio is that of the worse. */
export async function benchConnect(progress: Progress): Promise<BenchResult> {
  const results: FreshAndKnown[] = [];
  for (let number = 1; number <= rounds; number += 1) {
    progress(`round ${number} of ${rounds}`);
    // Servers of its own for each round: the size of Temporal's database would tell otherwise.
    results.push(await withStack(progress, oneRound));
  }
  const fresh = sumUp(results.map((result) => result.fresh));
  const known = sumUp(results.map((result) => result.known));
  const worse = fresh.ratio < known.ratio ? fresh : known;
  return { bench: "connect", unit: "agents/s", ...worse, asked, agents, inFlight, fresh, known };
}

function sumUp(pairs: readonly Round[]) {
  return {
    figure: round(median(pairs.map((pair) => pair.figure.perSecond))),
    floor: round(median(pairs.map((pair) => pair.floor.perSecond))),
    ratio: round(median(pairs.map((pair) => pair.figure.perSecond / pair.floor.perSecond))),
    cpuMs: medianCpu(pairs.map((pair) => pair.figure.cpuMs)),
    floorCpuMs: medianCpu(pairs.map((pair) => pair.floor.cpuMs)),
  };
}

/** Times `work`, which does something for `count` agents. */
async function timed(
  watched: Watched,
  count: number,
  work: () => Promise<unknown>,
): Promise<Measured> {
  const before = readCpu(watched);
  const began = performance.now();
  await work();
  const elapsedMs = performance.now() - began;
  const cpuMs = cpuPerCall(before, readCpu(watched), count);
  return { perSecond: (count * 1_000) / elapsedMs, cpuMs };
}

async function oneRound(stack: BenchStack): Promise<FreshAndKnown> {
  const bare = await startBareTemporal(stack.temporal, stack.temporalAddress, stack.namespace);
  await stack.startWorker();
  const gateway = await stack.startGateway();
  const warmUp = connectAll(stack, gateway.agentUrl, "warm-up", 50);
  await signalAll(bare, "bare-warm-up", 50);
  await warmUp.once(1);

  const watched = { ...stack.watched, "bare worker": bare.workerPid };
  const fleet = connectAll(stack, gateway.agentUrl, "bench", agents);
  const floor = () => timed(watched, agents, () => signalAll(bare, "bare", agents));
  const figure = (epoch: number) => timed(watched, agents, () => fleet.once(epoch));
  const fresh = { floor: await floor(), figure: await figure(1) };
  const known = { floor: await floor(), figure: await figure(2) };
  fleet.close();
  warmUp.close();
  await bare.stop();
  return { fresh, known };
}

async function signalAll(bare: BareTemporal, prefix: string, count: number): Promise<void> {
  const payload = { epoch: 1, gateway: { gatewayId: "bench", incarnation: crypto.randomUUID() } };
  await inParallel(count, inFlight, (number) =>
    bare.signalWithStart(`${prefix}-${number}`, payload),
  );
  await bare.allTaken();
}

/** A fleet whose agents connect all at once, as often as asked; later connections take over from the earlier ones. */
function connectAll(stack: BenchStack, url: string, prefix: string, count: number) {
  const fleet = Array.from(
    { length: count },
    (_, number) => new ConnectingAgent(`${prefix}-${number}`, stack.joinToken),
  );
  return {
    once: async (epoch: number): Promise<void> => {
      await inParallel(count, inFlight, async (number) => fleet[number]?.connect(url));
      await stack.connectedEvents(prefix, epoch, count);
    },
    close: () => {
      for (const agent of fleet) agent.close();
    },
  };
}
