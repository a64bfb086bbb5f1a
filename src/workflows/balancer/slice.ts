/** One slice of moves: all gateways that give agents do so at once, for a few seconds, each at its rate. */
import { log } from "@temporalio/workflow";
import type { Move } from "../../lifecycle/balance-plan.ts";
import type { FleetGateway } from "../../lifecycle/drains.ts";
import type { MovedAgents } from "../activity-types.ts";
import { openDrain } from "./drain-updates.ts";
import { mover, sliceMs } from "./outside.ts";
import type { BalancerState, Round } from "./state.ts";

/** Without a drain there is no hurry: agents that move cost the others' Commands as little as may be. */
const balancingPerSecond = 20;

export interface SliceResult {
  readonly moved: number;
  readonly failed: number;
}

/** Carries moves out, and notes what came of them in the round and the drains. */
export async function runSlice(
  state: BalancerState,
  round: Round,
  fleet: readonly FleetGateway[],
  moves: readonly Move[],
): Promise<SliceResult> {
  const sources = [...new Set(moves.map(({ from }) => from))];
  const results = await Promise.all(
    sources.map((source) => {
      const ofOne = moves.filter(({ from }) => from === source);
      return moveFrom(state, fleet, source, ofOne);
    }),
  );
  const total = { moved: 0, failed: 0 };
  for (const { moved, failed } of results) {
    total.moved += moved;
    total.failed += failed;
  }
  round.moved += total.moved;
  round.failed += total.failed;
  round.takers = [...new Set([...round.takers, ...moves.map(({ to }) => to)])];
  return total;
}

async function moveFrom(
  state: BalancerState,
  fleet: readonly FleetGateway[],
  from: string,
  moves: readonly Move[],
): Promise<MovedAgents> {
  const source = fleet.find(({ id }) => id === from);
  const drain = openDrain(state, from);
  const agentsPerSecond = drain?.agentsPerSecond ?? balancingPerSecond;
  const startedMs = Date.now();
  const agents = moves.reduce((sum, one) => sum + one.agents, 0);
  let result: MovedAgents = { moved: 0, failed: 0 };
  try {
    result = await mover(from, agents).moveAgents({
      incarnation: source?.incarnation ?? "",
      moves: moves.flatMap(({ to, cluster, agents: count }) => {
        const agentUrl = fleet.find(({ id }) => id === to)?.agentUrl;
        return agentUrl === undefined ? [] : [{ to, agentUrl, cluster, agents: count }];
      }),
      agentsPerSecond,
      forMs: sliceMs,
    });
  } catch (error) {
    log.warn("moves broken off", { from, error });
  }
  if (drain !== undefined) {
    drain.moved += result.moved;
    drain.failed += result.failed;
    const seconds = Math.max(1, (Date.now() - startedMs) / 1_000);
    drain.movedPerSecond = result.moved / seconds;
  }
  return result;
}
