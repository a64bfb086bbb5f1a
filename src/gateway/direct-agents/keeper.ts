/**
 * The direct agents of a gateway: claims those that nobody owns, runs each in a process of its own, lets go of those that
 * it may not or shall not run any more. Who may when is decided by `lifecycle/direct-claims`.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../config/index.ts";
import {
  claimDirectAgent,
  endDirectLease,
  listDirectClaims,
  listDirectLeases,
  noteDirectTrouble,
  releaseDirectAgent,
  type ClaimedAgent,
  type Db,
  type DirectClaimRow,
  type DirectLeaseRow,
} from "../../db/index.ts";
import {
  directLease,
  pickClaims,
  watchLeases,
  type FreeAgent,
  type SeenLease,
} from "../../lifecycle/direct-claims.ts";
import { directKinds } from "../../lifecycle/direct-declaration.ts";
import { directConfigPlace, openText } from "../../secrets/sealed-text.ts";
import type { Log } from "../../telemetry/log.ts";
import { closeCodes } from "../../wire/limits.ts";
import type { StartDirectAgent } from "../../wire/direct-messages.ts";
import type { GatewaySelf } from "../gateway-self.ts";
import { hashSecret } from "../identity.ts";
import type { Session } from "../session.ts";
import type { Sessions } from "../sessions.ts";
import { DirectChild } from "./child.ts";
import { openJournalDisk, type JournalDisk } from "./journal-disk.ts";
import { DirectLease } from "./lease.ts";
import { OwnedAgent } from "./owned-agent.ts";

/** Between two looks while nobody has declared a direct agent. */
const idleLookMs = 2_000;
/** How long an agent may take to end its work and say goodbye; then it is ended. */
const stopGraceMs = 8_000;
/** How long an agent that is to move is waited for, while it works on Commands. */
const busyMsMax = 10_000;
const busyLookMs = 50;

export interface DirectAgentsParts {
  readonly config: Config;
  /** Apart from what else the gateway asks of Postgres: renewals must not wait their turn. */
  readonly db: Db;
  readonly log: Log;
  readonly self: GatewaySelf;
  readonly sessions: Sessions;
  readonly sendsAgentsAway: () => boolean;
}

export class DirectAgents {
  readonly #parts: DirectAgentsParts;
  readonly #agents = new Map<string, OwnedAgent>();
  readonly #stop = new AbortController();
  #gatewayUrl = "";
  #disk: JournalDisk | undefined;
  #lease: DirectLease | undefined;
  #seen: readonly SeenLease[] = [];
  #freeSinceMs = new Map<string, number>();
  #lookAtMs = 0;
  #kept: Promise<void> = Promise.resolve();

  constructor(parts: DirectAgentsParts) {
    this.#parts = parts;
  }

  /** Begins. @param gatewayUrl where the processes of this machine reach this gateway. */
  start(gatewayUrl: string): void {
    this.#gatewayUrl = gatewayUrl;
    this.#kept = this.#keep();
  }

  /** Ends all of them in order, then lets others own them. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#kept;
    await this.#letGoOfAll((agent) => agent.stop(stopGraceMs));
    await this.#endLease();
  }

  owns(agentId: string): boolean {
    return this.#agents.has(agentId);
  }

  /** The first session of a direct agent whose Requests its journal here knows; undefined for any other agent. */
  journalEpochOf(agentId: string): number | undefined {
    return this.#agents.get(agentId)?.claim.journalEpoch;
  }

  /**
   * Has another gateway own a direct agent from now on, once it works on no Commands: undefined when it is let go, else
   * why it stays.
   */
  async handOver(session: Session, to: string): Promise<string | undefined> {
    const agent = this.#agents.get(session.agentId);
    if (agent === undefined || agent.isLetGo) return "it is not owned here any more";
    const untilMs = performance.now() + busyMsMax;
    while (session.handed.size > 0 || session.direct.size > 0) {
      if (performance.now() > untilMs) return "it still works on Commands";
      await sleep(busyLookMs);
    }
    // From here on nothing is written to it: the lifecycle keeps what comes for the next session, and hears of that alone.
    session.farewell ??= "unreported";
    await this.#release(agent, to, () => {
      session.socket.end(closeCodes.goingAway, "Another gateway owns this agent from now on.");
    });
    return undefined;
  }

  async #keep(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#turn();
      } catch (error) {
        // Agents end by themselves when it lasts.
        this.#parts.log.debug({ err: error }, "direct agents could not be looked after");
      }
      const waitMs = this.#lease === undefined ? this.#lookInMs() : directLease.renewEveryMs;
      await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  #lookInMs(): number {
    return Math.max(directLease.renewEveryMs, this.#lookAtMs - performance.now());
  }

  async #turn(): Promise<void> {
    if (this.#lease !== undefined) await this.#renew(this.#lease);
    const nowMs = performance.now();
    if (nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + directLease.lookEveryMs;
    const isDeclared = await this.#look();
    if (!isDeclared) this.#lookAtMs = nowMs + idleLookMs;
  }

  async #renew(lease: DirectLease): Promise<void> {
    const { self, db, log } = this.#parts;
    const owned = lease.holder.incarnation === self.incarnation ? await lease.renew() : undefined;
    if (owned === undefined) {
      this.#lease = undefined;
      log.error("this gateway may not run direct agents any more: they are ended");
      await this.#letGoOfAll((agent) => agent.kill("its gateway lost its lease on it"));
      // Nothing of it runs: others need not wait.
      await lease.end();
      return;
    }
    for (const [id, agent] of this.#agents) {
      if (owned.get(id) === agent.claim.claims || agent.isLetGo) continue;
      log.info({ agentId: id }, "a direct agent is declared no more: it is ended");
      await agent.kill("its declaration ended");
      this.#agents.delete(id);
    }
    for (const [id, claims] of owned) {
      // It was claimed, and this gateway did not get to know.
      if (!this.#agents.has(id)) await releaseDirectAgent(db, id, claims);
    }
  }

  /** Looks at all direct agents; whether there are any. */
  async #look(): Promise<boolean> {
    const { db, self } = this.#parts;
    const leases = await listDirectLeases(db);
    const claims = await listDirectClaims(db);
    await this.#endGone(leases);
    if (claims.length === 0) {
      if (this.#agents.size === 0) await this.#endLease();
      return false;
    }
    if (this.#parts.sendsAgentsAway()) {
      await this.#sendAway();
      return true;
    }
    this.#lease ??= await DirectLease.open(db, self.ref(), () => performance.now());
    if (this.#lease !== undefined) await this.#claim(this.#lease, leases, claims);
    return true;
  }

  /** Leases that stand still: whoever held them can't act any more. */
  async #endGone(leases: readonly DirectLeaseRow[]): Promise<void> {
    const { db, log } = this.#parts;
    const { seen, gone } = watchLeases(this.#seen, leases, performance.now());
    this.#seen = seen;
    for (const { id, renewals } of gone) {
      if (id === this.#lease?.id || !(await endDirectLease(db, id, renewals))) continue;
      const holder = leases.find((lease) => lease.id === id)?.gatewayId;
      log.warn({ holder }, "a gateway does not renew its lease on direct agents: they are free");
    }
  }

  async #claim(
    lease: DirectLease,
    leases: readonly DirectLeaseRow[],
    claims: readonly DirectClaimRow[],
  ): Promise<void> {
    const { config, self, db } = this.#parts;
    const nowMs = performance.now();
    const free = claims
      .filter(({ leaseId }) => leaseId === null)
      .map((claim): FreeAgent & { claims: number } => ({
        ...claim,
        sinceMs: this.#freeSinceMs.get(claim.id) ?? nowMs,
      }));
    this.#freeSinceMs = new Map(free.map(({ id, sinceMs }) => [id, sinceMs]));
    const owned = new Map([[self.gatewayId, 0]]);
    for (const { id, gatewayId } of leases) {
      const count = claims.filter(({ leaseId }) => leaseId === id).length;
      owned.set(gatewayId, (owned.get(gatewayId) ?? 0) + count);
    }
    const picked = pickClaims({
      gatewayId: self.gatewayId,
      owned,
      free,
      resources: [...directKinds, ...config.directResources],
      agentsMax: config.directAgentsMax,
      nowMs,
    });
    for (const one of picked) {
      this.#disk ??= await openJournalDisk(config.home, config.gatewayId);
      const secret = randomBytes(32).toString("base64url");
      const claim = await claimDirectAgent(db, {
        id: one.id,
        claims: free.find(({ id }) => id === one.id)?.claims ?? 0,
        leaseId: lease.id,
        secretHash: hashSecret(secret),
        journalId: this.#disk.id,
      });
      if (claim !== undefined) this.#run(claim, secret, lease, this.#disk);
    }
  }

  #run(claim: ClaimedAgent, secret: string, lease: DirectLease, disk: JournalDisk): void {
    const { db, log } = this.#parts;
    const { id, claims, resource } = claim;
    log.info({ agentId: id, resource, claim: claims }, "owns a direct agent");
    const agentLog = log.child({ directAgent: id });
    const agent = new OwnedAgent({
      claim,
      log: agentLog,
      startChild: (onConnected) =>
        new DirectChild(this.#order(claim, secret, disk), {
          log: agentLog,
          actsForMs: () => lease.actsForMs,
          onConnected,
        }),
      onTrouble: (trouble) => {
        noteDirectTrouble(db, id, claims, trouble).catch((error: unknown) => {
          agentLog.debug({ err: error }, "the trouble of a direct agent is not noted");
        });
      },
    });
    this.#agents.set(id, agent);
  }

  /** @throws SecretUnreadableError. */
  #order(claim: ClaimedAgent, secret: string, { home }: JournalDisk): StartDirectAgent {
    const { config } = this.#parts;
    const { id: agentId, zone, cluster, resource } = claim;
    const settings = openText(config.payloadKeys, directConfigPlace(agentId), claim.config).text;
    return {
      type: "start",
      ...{ agentId, zone, cluster, resource, secret, home },
      config: JSON.parse(settings) as StartDirectAgent["config"],
      gatewayUrl: this.#gatewayUrl,
      tlsCaFile: config.tlsCaFile,
      frameBytesMax: config.frameBytesMax,
      logLevel: config.logLevel,
    };
  }

  /** This gateway is being emptied: those without a session, which nobody moves, are let go. */
  async #sendAway(): Promise<void> {
    for (const [id, agent] of this.#agents) {
      if (this.#parts.sessions.find(id) === undefined && !agent.isLetGo) await this.#release(agent);
    }
    if (this.#agents.size === 0) await this.#endLease();
  }

  /** Ends an agent, then lets it be owned by others. */
  async #release(agent: OwnedAgent, to?: string, whileStopping?: () => void): Promise<void> {
    const { id, claims } = agent.claim;
    const stopped = agent.stop(stopGraceMs);
    whileStopping?.();
    await stopped;
    this.#parts.log.info({ agentId: id, to }, "lets go of a direct agent");
    // What is not released now is found by the next renewal.
    this.#agents.delete(id);
    try {
      await releaseDirectAgent(this.#parts.db, id, claims, to);
    } catch (error) {
      this.#parts.log.warn({ agentId: id, err: error }, "a direct agent is let go a little later");
    }
  }

  async #letGoOfAll(end: (agent: OwnedAgent) => Promise<void>): Promise<void> {
    const agents = [...this.#agents];
    await Promise.all(agents.map(([, agent]) => end(agent)));
    for (const [id, agent] of agents) if (this.#agents.get(id) === agent) this.#agents.delete(id);
  }

  async #endLease(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    await lease?.end().catch((error: unknown) => {
      this.#parts.log.debug({ err: error }, "the lease on direct agents runs out by itself");
    });
  }
}
