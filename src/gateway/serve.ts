/** A gateway at work, on connections that others opened: listens, joins, serves, leaves. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@temporalio/client";
import type { HookListener } from "../api/index.ts";
import type { Config } from "../config/index.ts";
import { openPool, type Pool } from "../db/index.ts";
import type { Log } from "../telemetry/log.ts";
import { coreClient, type ConnectedNative } from "../temporal/index.ts";
import { closeCodes } from "../wire/limits.ts";
import { startActivityWorker } from "./activity-worker.ts";
import { addressesOf, ownUrl, type GatewayAddresses } from "./addresses.ts";
import { AgentPort } from "./agent-port.ts";
import type { ApiContext } from "./api/context.ts";
import { GatewayReplacedError } from "./errors.ts";
import { createGatewayActivities } from "./gateway-activities.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import type { Fence } from "./fence.ts";
import { fenceOf } from "./fence-of.ts";
import { Membership } from "./membership.ts";
import type { Sessions } from "./sessions.ts";
import { packageVersion } from "./version.ts";

/** How long what Temporal has not taken yet is tried when the gateway stops. */
const drainMs = 5_000;
/** How long calls that went on to other gateways may take to be answered when the gateway stops. */
const forwardedLingerMs = 2_000;
/** How long handshakes under way may take when the gateway stops. */
const lastHandshakesMs = 2_000;
/** How long direct Requests under way may take to be answered when the gateway stops. */
const lastAnswersMs = 2_000;
const lastAnswersLookMs = 20;
/** A gateway that stops has its agents move at least so fast. */
const leavingPerSecond = 50;
/** A renewal that takes longer comes too late. */
const directStatementMs = 2_000;
/** The operator API, listening. */
export interface ListeningApi {
  readonly port: number;
  close(): Promise<void>;
}

/** What a gateway stands on. */
export interface Surroundings {
  readonly pool: Pool;
  readonly native: ConnectedNative;
  readonly listeners: readonly HookListener[];
  readonly openApi: (context: ApiContext) => Promise<ListeningApi>;
}

/**
 * Serves agents and operators until `signal` aborts, then leaves the cluster and closes what it opened.
 * @throws GatewayReplacedError when another process takes this gateway's id.
 */
export async function serve(
  config: Config,
  { pool, native, listeners, openApi }: Surroundings,
  log: Log,
  signal: AbortSignal,
  onReady: ((addresses: GatewayAddresses) => void) | undefined,
): Promise<void> {
  const temporal = coreClient(native);
  const port = new AgentPort(temporal);
  let membership: Membership | undefined;
  let fence: Fence | undefined;
  const unreadyReasons = (): readonly string[] =>
    membership?.joined === true ? [] : ["this gateway has not joined the cluster"];
  const directDb = openPool(config.databaseUrl ?? "", {
    applicationName: "muster direct agents",
    max: 2,
    statementTimeoutMs: directStatementMs,
  });
  const gateway = createGateway({
    config,
    log,
    db: pool,
    directDb,
    port,
    listeners,
    tls: readTls(config),
    unreadyReasons,
    gatewayUrls: () => membership?.urls ?? [],
    sendsAgentsAway: () => membership?.sendsAgentsAway ?? false,
    isInDoubt: () => fence?.isInDoubt ?? false,
    fencedBecause: () => membership?.fencedBecause,
  });
  const { parts, server, lease } = gateway;
  const stopWorker = new AbortController();
  let api: ListeningApi | undefined;
  let worker: { readonly stopped: Promise<void> } | undefined;
  let isReplaced = false;
  try {
    const sureForMs = (): number => fence?.sureForMs ?? 0;
    api = await openApi({ ...apiContext(gateway, temporal), unreadyReasons, sureForMs });
    const addresses = addressesOf(config, await server.listen(), api.port);
    membership = membershipOf(gateway, addresses);
    gateway.liveness.start();
    gateway.trimmer.start();
    const activities = createGatewayActivities(parts, lease, () => membership?.lookNow());
    worker = startActivityWorker(native, config.gatewayId, activities, log, stopWorker.signal);
    await membership.join(signal);
    parts.directAgents.start(ownUrl(config, addresses));
    if (!signal.aborted) onReady?.(addresses);
    fence = fenceOf(gateway, membership);
    fence.start();
    await membership.keep(signal);
  } catch (error) {
    // What is for the other process must not come here any more.
    isReplaced = error instanceof GatewayReplacedError;
    if (isReplaced) stopWorker.abort();
    throw error;
  } finally {
    fence?.stop();
    // The lifecycles were told that this run is lost when the newer one joined: it has no time to lose.
    if (!isReplaced) await sendAgentsElsewhere(gateway, membership);
    await parts.directAgents.close();
    await leave(gateway, membership, () => api?.close());
    stopWorker.abort();
    await worker?.stopped;
    gateway.liveness.stop();
    await port.settle();
    await directDb.end();
  }
}

function membershipOf(gateway: Gateway, addresses: GatewayAddresses): Membership {
  const { config, db, port, self, log } = gateway.parts;
  return new Membership({
    ...{ db, port, self, log, lease: gateway.lease, ...addresses },
    version: packageVersion(),
    weight: config.gatewayWeight,
    dropSessions: (why) => {
      dropSessions(gateway, why);
    },
  });
}

/** Before a gateway stops, its agents open their sessions with others, as far as that can be done in its time. */
async function sendAgentsElsewhere(
  { parts }: Gateway,
  membership: Membership | undefined,
): Promise<void> {
  const { config, log, sessions } = parts;
  if (membership?.joined !== true || sessions.size === 0 || config.drainGraceMs === 0) return;
  try {
    const moves = await membership.planLeaving();
    if (moves.length === 0) return;
    log.info({ agents: sessions.size, graceMs: config.drainGraceMs }, "agents are sent elsewhere");
    await untilOpen(sessions);
    // Some agents need a second try, or more time than others.
    const forMs = config.drainGraceMs * 0.7;
    const agentsPerSecond = Math.max(leavingPerSecond, (sessions.size * 1_000) / forMs);
    const order = { moves, agentsPerSecond, forMs };
    const { moved, failed } = await parts.mover.move(
      order,
      AbortSignal.timeout(forMs),
      () => undefined,
      config.drainGraceMs - forMs,
    );
    const left = [...sessions].filter(({ takesCommands }) => takesCommands).length;
    log.info({ moved, failed, left }, "agents were sent elsewhere");
    await untilAnswered(sessions);
  } catch (error) {
    log.warn({ err: error }, "agents could not be sent elsewhere: they find the way themselves");
  }
}

/** Whoever is in the middle of a handshake can't move yet. */
async function untilOpen(sessions: Sessions): Promise<void> {
  const handshakes = [...sessions].map((session) => session.whenOpen());
  await Promise.race([Promise.all(handshakes), sleep(lastHandshakesMs, undefined, { ref: false })]);
}

/** Agents that moved still answer the direct Requests that they were given before. */
async function untilAnswered(sessions: Sessions): Promise<void> {
  const untilMs = performance.now() + lastAnswersMs;
  while ([...sessions].some(({ direct }) => direct.size > 0) && performance.now() < untilMs) {
    await sleep(lastAnswersLookMs);
  }
}

/** Everybody is told, then everything that was promised is brought over as far as it goes. */
async function leave(
  { parts, server, lease, peers, trimmer }: Gateway,
  membership: Membership | undefined,
  closeApi: () => Promise<void> | undefined,
): Promise<void> {
  const why = "This gateway stops: connect to another one.";
  await membership?.leave("stopped by its operator");
  parts.durable.close();
  parts.progress.close();
  await server.close(why);
  const apiClosed = closeApi();
  // The API waits for the calls under way: one at another gateway would hold this one up for its whole wait.
  await Promise.race([apiClosed, sleep(forwardedLingerMs, undefined, { ref: false })]);
  peers.close();
  await apiClosed;
  await parts.outbox.drain(drainMs);
  parts.outbox.close();
  const writers = [parts.refusals.close(), parts.inventory.close(), trimmer.close()];
  await Promise.all([...parts.loose, ...writers]);
  // The lifecycle tells the agents that are left when the lease ends, so it ends last.
  await lease.release();
}

/** The lifecycles hear of it by the lost lease, not by each socket. */
function dropSessions({ parts }: Gateway, why: string): void {
  for (const session of [...parts.sessions]) {
    session.farewell = "unreported";
    session.socket.end(closeCodes.goingAway, why);
  }
}

function apiContext(
  { parts, lanes, localLanes }: Gateway,
  temporal: Client,
): Omit<ApiContext, "unreadyReasons" | "sureForMs"> {
  const { config, log, db, self, metrics } = parts;
  return {
    config,
    log,
    db,
    temporal,
    lanes,
    localLanes,
    gateway: {
      gatewayId: self.gatewayId,
      // It changes when the gateway loses its lease.
      get incarnation() {
        return self.incarnation;
      },
    },
    metrics: metrics.registry,
  };
}

function readTls(config: Config): { readonly cert: Buffer; readonly key: Buffer } | undefined {
  if (config.tlsCertFile === undefined || config.tlsKeyFile === undefined) return undefined;
  return { cert: readFileSync(config.tlsCertFile), key: readFileSync(config.tlsKeyFile) };
}
