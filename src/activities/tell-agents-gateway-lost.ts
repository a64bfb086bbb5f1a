import { Context } from "@temporalio/activity";
import { WorkflowNotFoundError } from "@temporalio/client";
import { closeSessionsOfGateway, listAgentsOfGateway, surveyAgentsOfGateway } from "../db/index.ts";
import { areComingBack, tellPace } from "../lifecycle/lost-gateway.ts";
import type { WorkerActivities } from "../workflows/activity-types.ts";
import {
  agentWorkflowId,
  gatewayLostSignal,
  type GatewayLostMessage,
} from "../workflows/agent-messages.ts";
import type { ActivityDeps } from "./deps.ts";

type TellDeps = Pick<ActivityDeps, "db" | "client" | "log">;

/** Heartbeat: everyone up to this agent id has been told. */
interface Progress {
  readonly after: string;
  readonly told: number;
}

/** Agents that no lifecycle has recorded yet have the default time-out. */
const pingTimeoutMsDefault = 150_000;
const lookEveryMs = 500;

/**
 * Tells every agent whose session was on that run of the gateway, once no more of them come back by themselves. Goes on
 * behind the last heartbeat when it is retried; telling an agent twice changes nothing. Agents without a running workflow
 * are skipped.
 * @param isWaitedFor for tests.
 * @param paceFor for tests.
 */
export function createTellAgentsGatewayLost(
  deps: TellDeps,
  isWaitedFor = areComingBack,
  paceFor = tellPace,
): WorkerActivities["tellAgentsGatewayLost"] {
  return async (message: GatewayLostMessage) => {
    const { gatewayId, incarnation } = message.gateway;
    const context = Context.current();
    const begun = context.info.heartbeatDetails as Progress | undefined;
    let progress = begun ?? { after: "", told: 0 };
    const left = await untilNoneComesBack(deps, message, begun === undefined ? isWaitedFor : never);
    const pace = paceFor(left.agents, left.pingTimeoutMs);
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

/** A retry does not wait again. */
const never: typeof areComingBack = () => false;

/** Waits for agents that come back by themselves; gives what is known of the others. */
async function untilNoneComesBack(
  { db, log }: TellDeps,
  { gateway: { gatewayId, incarnation } }: GatewayLostMessage,
  isWaitedFor: typeof areComingBack,
): Promise<{ readonly agents: number; readonly pingTimeoutMs: number }> {
  const context = Context.current();
  const startedMs = performance.now();
  let lost: number | undefined;
  let before: number | undefined;
  let changedAtMs = startedMs;
  for (;;) {
    const survey = await surveyAgentsOfGateway(db, gatewayId, incarnation);
    const { agents } = survey;
    const nowMs = performance.now();
    if (agents !== before) changedAtMs = nowMs;
    before = agents;
    lost ??= agents;
    const left = { agents, pingTimeoutMs: survey.pingTimeoutMs ?? pingTimeoutMsDefault };
    const waitedMs = nowMs - startedMs;
    if (!isWaitedFor({ ...left, unchangedForMs: nowMs - changedAtMs, waitedMs })) {
      log.info({ gatewayId, incarnation, lost, left: agents, waitedMs }, "gateway lost");
      return left;
    }
    context.heartbeat({ after: "", told: 0 } satisfies Progress);
    await context.sleep(lookEveryMs);
  }
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
