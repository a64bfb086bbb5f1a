/**
 * `npm run bench -- fleet`: CheckHealth to every agent of two gateways on the direct lane, beside a bare `ws` fan-out over as
 * many processes (asked: 10,000 agents in 3 s).
 */
import { withTimeLimit } from "../src/agent/time-limit.ts";
import { CheckHealthCommand } from "../src/api/index.ts";
import { AgentManager } from "../src/client/index.ts";
import { startFanOut } from "./floors/fan-out.ts";
import { measure, measureEach } from "./measure.ts";
import { round, summarise, type BenchResult, type Pair } from "./result.ts";
import { tellingConnected } from "./telling.ts";
import { withStack, type BenchGateway, type BenchStack, type Progress } from "./stack.ts";

const agentsDefault = 2_000;
const gatewayIds = ["gateway-1", "gateway-2"];
const inFlight = 1_000;
const roundsDefault = 5;
/** Agents that start to connect each second: about what Temporal on two cores takes. */
const connectsPerSecond = 50;
/** Connecting is not what is measured: a machine that others load, too, would only be asked again and again. */
const calm = { MUSTER_HANDSHAKES_MAX: "16" };
/** So few agents at least are connected each second, and so long more is waited, before it is given up. */
const connects = { perSecondMin: 10, graceMs: 120_000 };
const askedFigure = round(10_000 / 3);

/** Runs floor and figure in turn and gives the medians. */
export async function benchFleet(
  progress: Progress,
  {
    agents = agentsDefault,
    rounds = roundsDefault,
  }: { readonly agents?: number; readonly rounds?: number },
): Promise<BenchResult> {
  return await withStack(progress, async (stack) => {
    await stack.startWorker();
    const fleet = await startFleet(stack, agents, progress);
    progress(`all are connected after ${fleet.connectSeconds} s`);
    await stack.agentsUp(agents);
    const fanOut = await startFanOut(agents, gatewayIds.length);
    const url = fleet.gateways.map(({ apiUrl }) => apiUrl);
    const manager = new AgentManager({ url, token: stack.apiToken });
    try {
      const watched = { ...stack.watched, ...fanOut.watched };
      const load = { count: agents, inFlight, watched };
      const pair = async (): Promise<Pair> => ({
        floor: await measureEach((agent) => fanOut.call(agent), load),
        figure: await measure(() => askEach(manager, agents), watched),
      });
      progress("first round");
      const first = await pair();
      const pairs: Pair[] = [];
      for (let number = 1; number <= rounds; number += 1) {
        progress(`round ${number} of ${rounds}`);
        pairs.push(await pair());
      }
      const result = summarise("fleet", "agents/s", pairs);
      const secondsOf = (perSecond: number): number => round(agents / perSecond);
      return {
        ...result,
        askedFigure,
        ...{ agents, gateways: gatewayIds.length, inFlight },
        seconds: secondsOf(result.figure),
        floorSeconds: secondsOf(result.floor),
        /** Of processes that have not compiled anything yet, to gateways that the client does not know. */
        firstSeconds: secondsOf(first.figure.perSecond),
        connectSeconds: fleet.connectSeconds,
      };
    } finally {
      await manager.close();
      await fanOut.stop();
    }
  });
}

/** Asks all agents, whoever they are, and gives how long each took. */
async function askEach(manager: AgentManager, agents: number): Promise<readonly number[]> {
  const latenciesMs: number[] = [];
  const options = { concurrency: inFlight };
  for await (const result of manager.askAll({ all: true }, new CheckHealthCommand(), options)) {
    if (result.answer?.result !== true) {
      throw new Error(`${result.agentId} did not answer with success.`, { cause: result.error });
    }
    latenciesMs.push(result.tookMs);
  }
  if (latenciesMs.length !== agents) {
    throw new Error(`${latenciesMs.length} of ${agents} agents were asked.`);
  }
  return latenciesMs;
}

interface Fleet {
  readonly gateways: readonly BenchGateway[];
  readonly connectSeconds: number;
}

/** Starts gateways with an equal share of the agents each, and waits until all agents are connected. */
async function startFleet(stack: BenchStack, agents: number, progress: Progress): Promise<Fleet> {
  const began = performance.now();
  const gateways = await Promise.all(gatewayIds.map((id) => stack.startGateway(id, calm)));
  const share = Math.ceil(agents / gateways.length);
  const pace = { connectsPerSecond: Math.ceil(connectsPerSecond / gateways.length) };
  const connecting = tellingConnected(stack, agents, progress, () =>
    Promise.all(
      gateways.map((gateway, number) => {
        const count = Math.min(share, agents - number * share);
        return stack.startSimulators(gateway, count, { prefix: `sim-${number + 1}`, ...pace });
      }),
    ),
  );
  const limitMs = connects.graceMs + (agents * 1_000) / connects.perSecondMin;
  await withTimeLimit(connecting, limitMs, `Connecting ${agents} agents`);
  return { gateways, connectSeconds: round((performance.now() - began) / 1_000) };
}
