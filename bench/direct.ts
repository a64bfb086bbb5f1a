/**
 * `npm run bench -- direct`: a direct-lane Command from a caller through a gateway to an agent and back, beside a
 * bare three-process `ws` relay that parses and writes JSON at each hop (DESIGN §13: ≥ 0.5 of it).
 */
import { CheckHealthCommand } from "../src/api/index.ts";
import { AgentManager } from "../src/client/index.ts";
import { startBareRelay } from "./floors/bare-relay.ts";
import { measureRate } from "./measure.ts";
import type { Pair, BenchResult } from "./result.ts";
import { round, summarise } from "./result.ts";
import { withStack, type Progress } from "./stack.ts";

const inFlight = 64;
const rounds = 5;
const seconds = 3;

/** Runs floor and figure in turn and gives the medians. */
export async function benchDirect(progress: Progress): Promise<BenchResult> {
  return await withStack(progress, async (stack) => {
    await stack.startWorker();
    const gateway = await stack.startGateway();
    await stack.startSimulators(gateway, 1);
    const [agentId = ""] = await stack.agentsUp(1);
    const relay = await startBareRelay();
    const manager = new AgentManager({ url: gateway.apiUrl, token: stack.apiToken });
    try {
      const ask = () => manager.ask(agentId, new CheckHealthCommand());
      await measureRate(ask, { inFlight, seconds: 2 });
      await measureRate(() => relay.call(), { inFlight, seconds: 2 });
      const pairs: Pair[] = [];
      for (let number = 1; number <= rounds; number += 1) {
        progress(`round ${number} of ${rounds}`);
        const floor = await measureRate(() => relay.call(), { inFlight, seconds });
        const figure = await measureRate(ask, { inFlight, seconds });
        pairs.push({ floor, figure });
      }
      const alone = await measureRate(ask, { inFlight: 1, seconds });
      return {
        ...summarise("direct", "commands/s", pairs),
        asked: 0.5,
        inFlight,
        oneAtATimePerSecond: round(alone.perSecond),
      };
    } finally {
      await manager.close();
      await relay.stop();
    }
  });
}
