import { Context } from "@temporalio/activity";
import { WorkflowNotFoundError } from "@temporalio/client";
import { closeSessionsOfGateway, countAgentsOfGateway, listAgentsOfGateway } from "../db/index.ts";
import type { WorkerActivities } from "../workflows/activity-types.ts";
import {
  agentWorkflowId,
  gatewayLostSignal,
  type GatewayLostMessage,
} from "../workflows/agent-messages.ts";
import type { ActivityDeps } from "./deps.ts";

/**
 * Signals for each batch, and how long a batch takes at least: 100 signals a second, about a third of what a small
 * Temporal takes, because the same agents are just now reconnecting elsewhere. A larger fleet has a larger Temporal.
 */
export interface Pace {
  readonly batch: number;
  readonly batchMs: number;
  readonly atOnce: number;
}
const leastPace: Pace = { batch: 50, batchMs: 500, atOnce: 10 };
/**
 * However many they are, all are told within this: with the default ping time-out of 150 s, who fell silent with the
 * gateway is found as soon as with a gateway that lives.
 */
const allToldWithinMs = 60_000;

type TellDeps = Pick<ActivityDeps, "db" | "client" | "log">;

/** Heartbeat: everyone up to this agent id has been told. */
interface Progress {
  readonly after: string;
  readonly told: number;
}

/** How fast so many agents are told. */
export function paceFor(agents: number): Pace {
  const { batch, batchMs, atOnce } = leastPace;
  const factor = Math.max(1, (agents * batchMs) / (batch * allToldWithinMs));
  return { batch: Math.ceil(batch * factor), batchMs, atOnce: Math.ceil(atOnce * factor) };
}

/**
 * Tells every agent whose session was on that run of the gateway. Goes on behind the last heartbeat when it is
 * retried; telling an agent twice changes nothing. Agents without a running workflow are skipped.
 */
export function createTellAgentsGatewayLost(
  deps: TellDeps,
  givenPace?: Pace,
): WorkerActivities["tellAgentsGatewayLost"] {
  return async (message: GatewayLostMessage) => {
    const { gatewayId, incarnation } = message.gateway;
    const context = Context.current();
    let progress = (context.info.heartbeatDetails as Progress | undefined) ?? {
      after: "",
      told: 0,
    };
    const pace = givenPace ?? paceFor(await countAgentsOfGateway(deps.db, gatewayId, incarnation));
    for (;;) {
      const started = performance.now();
      const { after, told } = progress;
      const batch = await listAgentsOfGateway(deps.db, gatewayId, incarnation, after, pace.batch);
      const reached = await tellAll(deps, batch, message, pace.atOnce);
      const last = batch.at(-1);
      if (last === undefined) break;
      progress = { after: last, told: told + reached };
      context.heartbeat(progress);
      await context.sleep(Math.max(0, pace.batchMs - (performance.now() - started)));
    }
    await closeSessionsOfGateway(deps.db, gatewayId, incarnation);
    deps.log.info({ gatewayId, incarnation, told: progress.told }, "told agents of a lost gateway");
    return { told: progress.told };
  };
}

/** Gives how many of them had a workflow to tell. A failure is thrown when nobody is being told any more. */
async function tellAll(
  deps: TellDeps,
  agentIds: readonly string[],
  message: GatewayLostMessage,
  atOnce: number,
): Promise<number> {
  const waiting = agentIds.values();
  let reached = 0;
  const teller = async (): Promise<void> => {
    // All tellers draw from the one iterator.
    for (const agentId of waiting) {
      if (await tell(deps, agentId, message)) reached += 1;
    }
  };
  const tellers = Array.from({ length: Math.min(atOnce, agentIds.length) }, teller);
  const failed = (await Promise.allSettled(tellers)).find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return reached;
}

async function tell(
  deps: TellDeps,
  agentId: string,
  message: GatewayLostMessage,
): Promise<boolean> {
  try {
    const handle = deps.client.workflow.getHandle(agentWorkflowId(agentId));
    await handle.signal(gatewayLostSignal, message);
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    deps.log.debug({ agentId }, "an agent of the lost gateway has no running workflow");
    return false;
  }
}
