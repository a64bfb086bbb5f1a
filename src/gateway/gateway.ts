/** Puts the parts of a gateway together. Nothing listens and nothing runs until `run.ts` says so. */
import { readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import type { HookListener } from "../api/index.ts";
import {
  findCommandTypes,
  findRoute,
  forgetOldRequests,
  forgetRefusedRequest,
  listRecordedAfter,
  noteRequest,
  trimRefusals,
  writeInventory,
  writeRefusals,
  type Db,
} from "../db/index.ts";
import type { Config } from "../config/index.ts";
import { registerHookMetrics } from "../hooks/metrics.ts";
import type { Log } from "../telemetry/log.ts";
import { closeCodes } from "../wire/limits.ts";
import type { AgentPort } from "./agent-port.ts";
import { AgentServer } from "./agent-server.ts";
import { Arrivals } from "./arrivals.ts";
import type { CommandLanes } from "./command-lanes.ts";
import { DirectAgents } from "./direct-agents/keeper.ts";
import { DirectLane } from "./direct-lane.ts";
import { DurableLane } from "./durable-lane.ts";
import { LifecycleGoneError } from "./errors.ts";
import { GatewaySelf } from "./gateway-self.ts";
import { Handshakes } from "./handshakes.ts";
import { GatewayHooks } from "./hooks/gateway-hooks.ts";
import { Inventory } from "./inventory.ts";
import { JudgingClock } from "./judging-clock.ts";
import { lanesOfMember } from "./lanes-of-member.ts";
import { Lease } from "./lease.ts";
import { Liveness, stallAfterMs } from "./liveness.ts";
import { createMetrics } from "./metrics.ts";
import { Mover } from "./mover.ts";
import { onDisconnect } from "./on-disconnect.ts";
import { onFrame } from "./on-frame.ts";
import { onLingered, onSilent } from "./on-silence.ts";
import type { GatewayParts } from "./parts.ts";
import { ProgressRelay } from "./progress-relay.ts";
import { ForwardingLanes } from "./peers/forwarding-lanes.ts";
import { Peers } from "./peers/peers.ts";
import { Routes } from "./peers/routes.ts";
import { RecordedSessions } from "./recorded-sessions.ts";
import { Refusals } from "./refusals.ts";
import { refuseOtherVersion } from "./refuse-agent.ts";
import { Relay } from "./relay.ts";
import { SecretFields } from "./secret-fields.ts";
import type { Session } from "./session.ts";
import { RequestTrimmer } from "./request-trimmer.ts";
import { Sessions } from "./sessions.ts";
import { SignalOutbox } from "./signal-outbox.ts";
import { unavailable, whyNoAgent, whyNotHere } from "./why-not-here.ts";
import { Waking } from "./waking.ts";

/** What the rest of the process tells the gateway. */
export interface GatewaySurroundings {
  readonly config: Config;
  readonly log: Log;
  readonly db: Db;
  /** For the leases on direct agents alone. */
  readonly directDb: Db;
  readonly port: AgentPort;
  readonly listeners: readonly HookListener[];
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly unreadyReasons: () => readonly string[];
  readonly gatewayUrls: () => readonly string[];
  readonly sendsAgentsAway: () => boolean;
  /** What it knows of its own standing is too old to act on. */
  readonly isInDoubt: () => boolean;
  /** Why the gateway is cut off; undefined while it is a member. */
  readonly fencedBecause: () => string | undefined;
}

export interface Gateway {
  readonly parts: GatewayParts;
  readonly server: AgentServer;
  readonly liveness: Liveness<Session>;
  readonly lease: Lease;
  /** For callers: any agent, wherever it is. */
  readonly lanes: CommandLanes;
  /** For other gateways: the agents that this one holds. */
  readonly localLanes: CommandLanes;
  readonly peers: Peers;
  readonly trimmer: RequestTrimmer;
}

const stoodStill =
  "it stood still for longer than its lease lasts, and does not know yet whether it was given up";

export function createGateway(around: GatewaySurroundings): Gateway {
  const { config, log, db, port } = around;
  const self = new GatewaySelf(config.gatewayId);
  const clock = new JudgingClock(stallAfterMs);
  const sessions = new Sessions();
  const lease = new Lease(log);
  const waking = new Waking(clock, lease);
  const outbox = new SignalOutbox((agentId, signal) => port.signal(agentId, signal), log);
  const relay = createRelay(around, clock, sessions, lease);
  const hooks = new GatewayHooks(config, log, around.listeners);
  const direct = new DirectLane({
    sessions,
    queueBytesMax: config.frameBytesMax,
    arrivals: createArrivals(around, self, sessions),
    whyNotHere: (agentId) => whyNotHere(db, config.gatewayId, agentId),
    passing: hooks.passing,
  });
  const durable = createDurableLane(around, self, sessions, outbox, hooks);
  const progress = new ProgressRelay({
    send: (agentId, message) => port.progress(agentId, message),
    nowMs: () => performance.now(),
  });
  const refusals = createRefusals(around, outbox);
  const inventory = new Inventory((batch) => writeInventory(db, batch), log);
  const tally = { pings: 0, answers: 0 };
  const metrics = createMetrics(() => ({
    ...tally,
    relays: relay.relayed,
    directRequests: direct.requests,
    durableRequests: durable.requests,
    forwardedRequests: forwardingLanes.forwarded,
    stalledMs: liveness.stalledMs,
    sessions: sessions.size,
    socketsOpening: server.opening,
    signalsOpen: outbox.size,
    agentsRefused: refusals.size,
    inventoriesWaiting: inventory.size,
    controls: hooks.controls.ends,
  }));
  registerHookMetrics(metrics.registry, hooks.listeners);
  const { unreadyReasons, gatewayUrls, sendsAgentsAway, isInDoubt } = around;
  const forwarding = createForwarding(around, sessions);
  const directAgents = new DirectAgents({
    config,
    db: around.directDb,
    log,
    self,
    sessions,
    sendsAgentsAway,
  });
  const nowMs = () => performance.now();
  const recorded = new RecordedSessions((of) => listRecordedAfter(db, of), nowMs);
  const newestEpoch = async (agentId: string) => (await findRoute(db, agentId))?.epoch;
  const mover = new Mover({ sessions, directAgents, newestEpoch, recorded, log, nowMs });
  const own = { direct, durable, progress, hooks, mover, directAgents };
  const base = { config, log, db, self, clock, port, outbox, sessions, relay, ...own };
  const loose = new Set<Promise<void>>();
  const notes = { refusals, inventory };
  const isWaking = () => waking.isPending;
  const standing = { unreadyReasons, gatewayUrls, sendsAgentsAway, isInDoubt, isWaking };
  const parts: GatewayParts = { ...base, ...notes, metrics, tally, loose, ...standing };
  const server = createServer(parts, around);
  const liveness = createLiveness(parts, lease, waking);
  const whyNot = () => around.fencedBecause() ?? (waking.isPending ? stoodStill : undefined);
  const localLanes = lanesOfMember(lanesOf(parts), whyNot);
  const forwardingLanes = forwarding.lanes(localLanes);
  const lanes = lanesOfMember(forwardingLanes, whyNot);
  const trimmer = new RequestTrimmer((most) => forgetOldRequests(db, most), log);
  return { parts, server, liveness, lease, peers: forwarding.peers, lanes, localLanes, trimmer };
}

function createArrivals({ db }: GatewaySurroundings, self: GatewaySelf, sessions: Sessions) {
  return new Arrivals({
    find: (agentId) => sessions.find(agentId),
    isDue: async (agentId) => {
      const route = await findRoute(db, agentId);
      return route?.gatewayId === self.gatewayId && route.incarnation === self.incarnation;
    },
  });
}

function createForwarding({ config, log, db }: GatewaySurroundings, sessions: Sessions) {
  const ca = config.tlsCaFile === undefined ? undefined : readFileSync(config.tlsCaFile, "utf8");
  const peers = new Peers({
    apiToken: config.apiToken ?? "",
    ca: ca === undefined ? undefined : [...rootCertificates, ca],
    log,
  });
  const routes = new Routes(
    (agentId) => findRoute(db, agentId),
    () => performance.now(),
  );
  const { gatewayId } = config;
  const holds = (agentId: string) => sessions.find(agentId)?.takesCommands === true;
  const lanes = (local: CommandLanes) =>
    new ForwardingLanes({ local, holds, gatewayId, routes, peers });
  return { peers, lanes };
}

function lanesOf({ direct, durable }: GatewayParts): CommandLanes {
  return {
    sendDirect: (agentId, request) => direct.send(agentId, request),
    sendDurable: (agentId, request) => durable.send(agentId, request),
    submitDurable: (agentId, request) => durable.submit(agentId, request),
    awaitSettled: (agentId, view, waitMs, onOpen) =>
      durable.awaitSettled(agentId, view, waitMs, onOpen),
  };
}

function createRefusals({ config, db, log }: GatewaySurroundings, outbox: SignalOutbox): Refusals {
  return new Refusals({
    gatewayId: config.gatewayId,
    log,
    nowMs: () => performance.now(),
    write: (refusals) => writeRefusals(db, refusals),
    trim: (unregisteredMax) => trimRefusals(db, unregisteredMax),
    tell: (agentId, message) => {
      void outbox.put(agentId, { name: "refused", message });
    },
  });
}

function createRelay(
  { config, port, log }: GatewaySurroundings,
  clock: JudgingClock,
  sessions: Sessions,
  lease: Lease,
): Relay {
  return new Relay({
    budgetPerSecond: config.relayBudgetPerSecond,
    now: () => clock.now(),
    agents: () => sessions.size,
    mayVouch: () => lease.held,
    send: (agentId, message) => port.ping(agentId, message),
    onFailed: (agentId, error) => {
      log.warn({ agentId, err: error }, "Temporal did not take a ping; the next one tries again");
      if (error instanceof LifecycleGoneError) reviveLifecycle(sessions.find(agentId));
    },
  });
}

/** Only a new session starts a lifecycle that ended while its agent was connected (terminated by hand, removed). */
function reviveLifecycle(session: Session | undefined): void {
  if (session === undefined) return;
  session.farewell = "unreported";
  session.socket.end(closeCodes.reconnect, {
    code: "LIFECYCLE_GONE",
    message: "Temporal has no lifecycle of this agent any more: connect again.",
  });
}

function createDurableLane(
  { config, db, port, log }: GatewaySurroundings,
  self: GatewaySelf,
  sessions: Sessions,
  outbox: SignalOutbox,
  { passing }: GatewayHooks,
): DurableLane {
  const orUnavailable = async <T>(ask: Promise<T>): Promise<T> => {
    try {
      return await ask;
    } catch (error) {
      throw unavailable("Postgres", error);
    }
  };
  return new DurableLane({
    sessions,
    self,
    log,
    passing,
    secrets: new SecretFields(config.payloadKeys),
    port: {
      commandTypes: (agentId) => orUnavailable(findCommandTypes(db, agentId)),
      noteRequest: (requestId, agentId, waitMs) =>
        orUnavailable(noteRequest(db, requestId, agentId, waitMs)),
      forgetRequest: async (requestId) => {
        try {
          await forgetRefusedRequest(db, requestId);
        } catch (error) {
          log.debug({ requestId, err: error }, "the note of a refused Request stays");
        }
      },
      admit: (agentId, message, updateId, withinMs) =>
        port.admit(agentId, message, updateId, withinMs),
      request: (agentId, requestId, withinMs) => port.request(agentId, requestId, withinMs),
      undelivered: (agentId, message) => {
        void outbox.put(agentId, { name: "undelivered", message });
      },
      whyNoLifecycle: async (agentId) =>
        (await orUnavailable(whyNoAgent(db, agentId))) ??
        (await whyNotHere(db, config.gatewayId, agentId)),
    },
  });
}

function createServer(parts: GatewayParts, { tls }: GatewaySurroundings): AgentServer {
  const { config, log } = parts;
  const handshakes = new Handshakes(parts, (socket) => {
    server.endHandshake(socket);
  });
  const server = new AgentServer(
    {
      host: config.host,
      port: config.agentPort,
      tls,
      frameBytesMax: config.frameBytesMax,
      handshakesMax: config.handshakesMax,
      handshakeTimeoutMs: config.handshakeTimeoutMs,
    },
    log,
    {
      onFrame: (socket, frame) => {
        onFrame(parts, handshakes, socket, frame);
      },
      onOtherVersion: (socket, error) => {
        refuseOtherVersion(parts, socket, error);
      },
      onClosed: (socket, end) => {
        onDisconnect(parts, socket, end);
      },
      onHandshakeTimeout: (socket) => {
        handshakes.onTimeout(socket);
      },
      onBusy: () => {
        handshakes.onBusy();
      },
    },
  );
  return server;
}

function createLiveness(parts: GatewayParts, lease: Lease, waking: Waking): Liveness<Session> {
  const { clock, sessions, direct, log } = parts;
  return new Liveness<Session>({
    sessions: () => openOnes(sessions),
    tick: () => clock.tick(),
    now: () => clock.now(),
    beat: () => {
      lease.beat();
    },
    sweep: () => {
      direct.sweep();
    },
    onStalled: (stalledMs) => {
      waking.onStalled(stalledMs);
      log.warn({ stalledMs: Math.round(stalledMs) }, "this gateway stood still: deadlines move");
    },
    onSilent: (session, silentForMs) => {
      onSilent(parts, session, silentForMs);
    },
    onLingered,
  });
}

/** Handshakes have a time limit of their own. */
function* openOnes(sessions: Sessions): Iterable<Session> {
  for (const session of sessions) if (session.socket.state === "OPEN") yield session;
}
