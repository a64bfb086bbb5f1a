/** What workflows ask of this gateway, on the task queue `gateway/<gatewayId>`. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CompleteAsyncError, Context } from "@temporalio/activity";
import { ApplicationFailure } from "@temporalio/common";
import { closeCodes } from "../wire/limits.ts";
import type { CheckOnHostAnswer, Finding, WireCommand } from "../api/index.ts";
import type {
  GatewayActivities,
  InvestigateArgs,
  MoveAgentsArgs,
  MovedAgents,
} from "../workflows/activity-types.ts";
import type { Lease } from "./lease.ts";
import type { GatewayParts } from "./parts.ts";
import { sendCancel, sendSessionCommand } from "./session-requests.ts";

/** How long the agent may take to say that it is alive, when the lifecycle does not say. */
const askMsDefault = 5_000;
/** How long the offer of a lease that is not ours is kept from coming here again. */
const foreignLeaseMs = 500;
/** A lease that broke is mostly there again soon; until then nothing is handed over. */
const staleLooks = { most: 30, everyMs: 100 };
/** What agents say of other hosts goes into the histories of those. */
const saidCharsMax = 500;

/** @param lookAround asked for when the lease of an unknown run of this gateway is offered. */
export function createGatewayActivities(
  parts: GatewayParts,
  lease: Lease,
  lookAround: () => void,
): GatewayActivities {
  const { sessions } = parts;
  return {
    deliver: (args) => deliver(parts, lease, args),

    reply({ requestId, answers }) {
      parts.durable.onReply(requestId, answers);
      return Promise.resolve();
    },

    cancelRequest({ agentId, epoch, seq, reason }) {
      const session = sessions.findEpoch(agentId, epoch);
      if (session === undefined) return Promise.resolve();
      // The Request may be on its way to this gateway, perhaps again: then the agent is asked behind it, too.
      session.noteCancelled(seq, reason);
      sendCancel(session, seq, reason);
      return Promise.resolve();
    },

    silence({ agentId, epoch }) {
      const session = sessions.findEpoch(agentId, epoch);
      if (session?.takesCommands !== true) return Promise.resolve({ heldHere: false });
      return Promise.resolve({
        heldHere: true,
        lastPingAgoMs: Math.round(parts.clock.now() - session.lastPingAtMs),
        vouchForMs: parts.relay.vouchesForMs(session),
      });
    },

    closeSession({ agentId, epoch, why, details }) {
      const session = sessions.findEpoch(agentId, epoch);
      if (session === undefined) return Promise.resolve();
      // The lifecycle asked for it: it needs no report.
      session.farewell = "unreported";
      switch (why) {
        case "silent":
          session.socket.end(closeCodes.silent, { code: "SILENT", message: details });
          break;
        case "removed":
          session.socket.end(closeCodes.refused, { code: "REMOVED", message: details });
          break;
        case "reconnect":
          sendSessionCommand(session, { type: "Reconnect", details });
          session.socket.end(closeCodes.reconnect, details);
          break;
      }
      return Promise.resolve();
    },

    applySettings({ agentId, epoch, settings }) {
      const session = sessions.findEpoch(agentId, epoch);
      if (session !== undefined) session.settings = settings;
      return Promise.resolve();
    },

    investigateByAgent: (args) => investigateByAgent(parts, args),

    askNeighbour: (args) => askNeighbour(parts, args),

    holdLease: ({ incarnation }) => holdLease(parts, lease, incarnation, lookAround),

    moveAgents: (args) => moveAgents(parts, args),
  };
}

/** Any Answer, also a bad one, proves the agent alive; no Answer proves nothing. */
async function investigateByAgent(
  parts: GatewayParts,
  { agentId, epoch, timeoutMs = askMsDefault }: InvestigateArgs,
): Promise<Finding> {
  const session = parts.sessions.findEpoch(agentId, epoch);
  if (session?.socket.state !== "OPEN") {
    return { verdict: "Unknown", evidence: "The agent could not be asked: its socket is gone." };
  }
  const startedMs = performance.now();
  const command = { type: "CheckHealth", id: randomUUID() };
  const answer = await parts.direct.ask(session, command, timeoutMs);
  const tookMs = Math.round(performance.now() - startedMs);
  if (answer === undefined || answer.outcome === "unknown" || answer.outcome === "notSent") {
    return {
      verdict: "Unknown",
      evidence: `CheckHealth was not answered over the agent's socket in ${tookMs} ms.`,
    };
  }
  const health = answer.result ? "healthy" : (answer.details ?? "unhealthy");
  return { verdict: "Up", evidence: `The agent answered CheckHealth in ${tookMs} ms: ${health}.` };
}

/**
 * Past the agent's ResourceState: to look for another host asks nothing of the resource. The Answer is passed on without
 * judgement, as far as it fits into a history.
 */
async function askNeighbour(
  parts: GatewayParts,
  { agentId, host, timeoutMs }: Parameters<GatewayActivities["askNeighbour"]>[0],
): Promise<CheckOnHostAnswer> {
  const session = parts.sessions.find(agentId);
  const command: WireCommand = { type: "CheckOnHost", id: randomUUID(), host };
  const commandId = command.id;
  if (session?.takesCommands !== true) {
    const details = "it has no session at this gateway";
    return { type: "CheckOnHostAnswer", commandId, result: false, outcome: "notSent", details };
  }
  const answer = await parts.direct.ask(session, command, timeoutMs);
  const { result = false, details, seen, proofOfDeath } = (answer ?? {}) as Record<string, unknown>;
  return {
    type: "CheckOnHostAnswer",
    commandId,
    result: result === true,
    ...(typeof seen === "boolean" && { seen }),
    ...(typeof details === "string" && { details: details.slice(0, saidCharsMax) }),
    ...(typeof proofOfDeath === "string" && { proofOfDeath: proofOfDeath.slice(0, saidCharsMax) }),
  };
}

/** What a run of this gateway was asked that is not the present one. */
function requireIncarnation({ self }: GatewayParts, incarnation: string): void {
  if (incarnation === self.incarnation) return;
  throw ApplicationFailure.nonRetryable(
    `Gateway ${self.gatewayId} runs as incarnation ${self.incarnation} now.`,
    "OTHER_INCARNATION",
  );
}

/** What was moved counts also when the moves were stopped. */
async function moveAgents(
  parts: GatewayParts,
  { incarnation, ...order }: MoveAgentsArgs,
): Promise<MovedAgents> {
  requireIncarnation(parts, incarnation);
  const context = Context.current();
  return await parts.mover.move(order, context.cancellationSignal, () => {
    context.heartbeat();
  });
}

/** Held from here on by heartbeats of this process, whose confirmation it sees; the Worker would keep that to itself. */
async function holdLease(
  parts: GatewayParts,
  lease: Lease,
  incarnation: string,
  lookAround: () => void,
): Promise<void> {
  const context = Context.current();
  if (incarnation !== parts.self.incarnation) {
    // Another process of the same id may have joined, and its offers come here, too, until this one stops.
    lookAround();
    await context.sleep(foreignLeaseMs);
  }
  requireIncarnation(parts, incarnation);
  const { taskToken } = context.info;
  lease.take({
    heartbeat: () => parts.port.heartbeatLease(taskToken),
    giveBack: async () => {
      await parts.port.endLease(taskToken).catch((error: unknown) => {
        parts.log.debug({ err: error }, "the lease was not given back: it runs out");
      });
    },
  });
  throw new CompleteAsyncError();
}

async function deliver(
  parts: GatewayParts,
  lease: Lease,
  { agentId, epoch, requests }: Parameters<GatewayActivities["deliver"]>[0],
): ReturnType<GatewayActivities["deliver"]> {
  const written: number[] = [];
  const notWritten: number[] = [];
  for (let i = 0; lease.isStale && i < staleLooks.most; i++) await sleep(staleLooks.everyMs);
  const session = lease.isStale ? undefined : parts.sessions.findEpoch(agentId, epoch);
  const open = session !== undefined && (await session.whenOpen());
  for (const request of requests) {
    const wrote = open && session.takesCommands && parts.durable.hand(session, request);
    (wrote ? written : notWritten).push(request.seq);
  }
  return { written, notWritten };
}
