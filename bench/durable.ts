/**
 * `npm run bench -- durable`: a durable Command from a caller to an agent and back, beside a bare Update and a bare signal on
 * an empty workflow of the same server (DESIGN §13: ≥ 0.8 of it).
 */
import { RebootVmCommand } from "../src/api/index.ts";
import { AgentManager } from "../src/client/index.ts";
import { startBareTemporal } from "./floors/bare-temporal.ts";
import { measureRate } from "./measure.ts";
import type { BenchResult, Pair } from "./result.ts";
import { summarise } from "./result.ts";
import { withStack, type Progress } from "./stack.ts";

const agents = 8;
const inFlight = 16;
const rounds = 9;
const seconds = 3;

/** Runs floor and figure in turn and gives the medians. */
export async function benchDurable(progress: Progress): Promise<BenchResult> {
  return await withStack(progress, async (stack) => {
    await stack.startWorker();
    const gateway = await stack.startGateway();
    await stack.startSimulators(gateway, agents);
    const ids = await stack.agentsUp(agents);
    const bare = await startBareTemporal(stack.temporal, stack.temporalAddress, stack.namespace);
    const manager = new AgentManager({ url: gateway.apiUrl, token: stack.apiToken });
    try {
      for (let slot = 0; slot < agents; slot += 1) await bare.open(`bench-bare-${slot}`);
      const command = { type: "RebootVm", id: crypto.randomUUID(), vm: "vm-1" };
      const floorCall = (slot: number) =>
        bare.updateAndSignal(`bench-bare-${slot % agents}`, command);
      const figureCall = (slot: number) =>
        manager.send(ids[slot % agents] ?? "", new RebootVmCommand({ vm: "vm-1" }));
      await measureRate(floorCall, { inFlight, seconds: 2 });
      await measureRate(figureCall, { inFlight, seconds: 2 });
      const watched = { ...stack.watched, "bare worker": bare.workerPid };
      const pairs: Pair[] = [];
      for (let number = 1; number <= rounds; number += 1) {
        progress(`round ${number} of ${rounds}`);
        const floor = await measureRate(floorCall, { inFlight, seconds, watched });
        const figure = await measureRate(figureCall, { inFlight, seconds, watched });
        pairs.push({ floor, figure });
      }
      return { ...summarise("durable", "commands/s", pairs), asked: 0.8, inFlight, agents };
    } finally {
      await manager.close();
      await bare.stop();
    }
  });
}
