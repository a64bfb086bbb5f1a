/** The gateway's place in the cluster: its row in Postgres, its lifecycle in Temporal, the lease that it holds there. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  listClusterLoads,
  listGateways,
  markDraining,
  upsertGateway,
  type Db,
  type GatewayRow,
} from "../db/index.ts";
import { clustersOf, planMoves } from "../lifecycle/balance-plan.ts";
import type { Log } from "../telemetry/log.ts";
import type { MoveAgentsArgs } from "../workflows/activity-types.ts";
import type { AgentPort } from "./agent-port.ts";
import { GatewayReplacedError } from "./errors.ts";
import type { GatewaySelf } from "./gateway-self.ts";
import type { Lease } from "./lease.ts";

const retryMs = { first: 250, most: 5_000 };
/** How often the other gateways are looked up, and our own standing; sooner without a lease, and while agents are sent away. */
const lookEveryMs = { usually: 5_000, soon: 1_000 };

export interface MembershipParts {
  readonly db: Db;
  readonly port: AgentPort;
  readonly self: GatewaySelf;
  readonly lease: Lease;
  readonly log: Log;
  readonly version: string;
  readonly agentUrl: string;
  readonly apiUrl: string;
  readonly peerUrl?: string;
  readonly weight: number;
  /** Sessions of a lost incarnation are no longer known to the lifecycles: their agents have to connect again. */
  readonly dropSessions: (why: string) => void;
}

export class Membership {
  readonly #parts: MembershipParts;
  #joined = false;
  #urls: readonly string[];
  #draining = false;
  #fencedBecause: string | undefined;
  #replaced = false;
  #lookNow: () => void = () => undefined;
  #others: readonly GatewayRow[] = [];

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    this.#urls = [parts.agentUrl];
  }

  get joined(): boolean {
    return this.#joined;
  }

  /** Why this gateway has sent its agents away and is about to join anew; undefined when it is not. */
  get fencedBecause(): string | undefined {
    return this.#fencedBecause;
  }

  /** URLs of all gateways that take agents, this one first if it does. */
  get urls(): readonly string[] {
    return this.#urls;
  }

  /** This gateway is being emptied, and there is another one that takes agents. */
  get sendsAgentsAway(): boolean {
    return this.#draining && this.others.length > 0;
  }

  /** The other gateways that take agents, as far as known. */
  get others(): readonly GatewayRow[] {
    return this.#others;
  }

  /** Tells Postgres and Temporal that this gateway is there; tries until both know or `signal` aborts. */
  async join(signal: AbortSignal): Promise<void> {
    const { db, port, self, log, version, agentUrl, apiUrl, peerUrl, weight } = this.#parts;
    for (let waitMs = retryMs.first; !signal.aborted; waitMs = Math.min(waitMs * 2, retryMs.most)) {
      const { gatewayId, incarnation } = self;
      try {
        const urls = { agentUrl, apiUrl, ...(peerUrl !== undefined && { peerUrl }) };
        const row = { id: gatewayId, incarnation, version, ...urls, weight };
        if (!(await upsertGateway(db, row, self.earlier))) {
          this.#replaced = true;
          return;
        }
        await port.joined(gatewayId, { incarnation, version });
        await port.fleetChanged(`gateway ${gatewayId} joined`);
        this.#joined = true;
        this.#fencedBecause = undefined;
        log.info({ gatewayId, incarnation }, "joined");
        return;
      } catch (error) {
        log.warn({ err: error, retryMs: waitMs }, "could not join: Postgres or Temporal is away");
      }
      await this.#rest(waitMs, signal);
    }
  }

  /**
   * Looks after the membership until `signal` aborts: knows the other gateways, joins anew after a lost lease.
   * @throws GatewayReplacedError when another process has taken this gateway's id.
   */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look(signal).catch((error: unknown) => {
        if (error instanceof GatewayReplacedError) throw error;
        this.#parts.log.debug({ err: error }, "membership could not be looked up");
      });
      if (this.#replaced) throw new GatewayReplacedError(this.#parts.self.gatewayId);
      const isUsual = this.#parts.lease.held && !this.#draining;
      await this.#rest(isUsual ? lookEveryMs.usually : lookEveryMs.soon, signal);
    }
  }

  /** Something happened that the next look must not wait for. */
  lookNow(): void {
    this.#lookNow();
  }

  /** The row of this gateway is of that incarnation. */
  noteRow(incarnation: string): void {
    if (this.#parts.self.was(incarnation)) return;
    this.#replaced = true;
    this.#lookNow();
  }

  /** This gateway no longer counts on what it holds: agents are sent away, and a new incarnation joins when it can. */
  fence(why: string): void {
    const { self, log, lease, dropSessions } = this.#parts;
    const { incarnation } = self;
    log.error({ incarnation, why }, "cut off: agents are sent away, a new incarnation joins");
    this.#joined = false;
    this.#fencedBecause = why;
    self.renew();
    void lease.drop();
    dropSessions("This gateway is cut off: connect to another one.");
    this.#lookNow();
  }

  /**
   * This gateway is about to stop: it takes no more agents, and gives where those that it holds should go; nowhere when
   * there is no other.
   */
  async planLeaving(): Promise<MoveAgentsArgs["moves"]> {
    const { db, self } = this.#parts;
    const { gatewayId, incarnation } = self;
    await markDraining(db, gatewayId, incarnation, true);
    const gateways = await this.#lookAround();
    const loads = await listClusterLoads(db);
    const taking = gateways.filter(
      ({ id, state, draining }) => id === gatewayId || (state === "joined" && !draining),
    );
    const plan = planMoves(
      taking.map(({ id, weight }) => ({
        id,
        weight,
        draining: id === gatewayId,
        clusters: clustersOf(loads, id),
      })),
    );
    return plan.flatMap(({ from, to, cluster, agents }) => {
      const agentUrl = taking.find(({ id }) => id === to)?.agentUrl;
      return from === gatewayId && agentUrl !== undefined
        ? [{ to, agentUrl, cluster, agents }]
        : [];
    });
  }

  /** The gateway stops on purpose. */
  async leave(reason: string): Promise<void> {
    const { port, self, log } = this.#parts;
    this.#joined = false;
    try {
      await port.leaving(self.gatewayId, { incarnation: self.incarnation, reason });
    } catch (error) {
      log.warn({ err: error }, "could not say that this gateway leaves: its lease will run out");
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { lease, self } = this.#parts;
    const gateways = await this.#lookAround();
    const own = gateways.find(({ id }) => id === self.gatewayId);
    if (own !== undefined) this.noteRow(own.incarnation);
    if (this.#replaced) throw new GatewayReplacedError(self.gatewayId);
    if (!this.#joined) await this.join(signal);
    if (this.#joined && !lease.held) await this.#checkStanding();
  }

  /** Who is there, and which of them take agents. */
  async #lookAround(): Promise<readonly GatewayRow[]> {
    const { db, self, agentUrl } = this.#parts;
    const gateways = await listGateways(db);
    this.#draining = gateways.find(({ id }) => id === self.gatewayId)?.draining ?? false;
    this.#others = gateways.filter(
      ({ id, state, draining }) => id !== self.gatewayId && state === "joined" && !draining,
    );
    const urls = this.#others.map((other) => other.agentUrl);
    this.#urls = this.sendsAgentsAway
      ? urls
      : [agentUrl, ...urls.filter((url) => url !== agentUrl)];
    return gateways;
  }

  /**
   * Without a lease there is either no worker yet, or it is about to be offered, or we were given up: then our sessions
   * are lost to the lifecycles, and what is still said of the lost incarnation must not hurt new ones.
   */
  async #checkStanding(): Promise<void> {
    const { port, self } = this.#parts;
    const { incarnation } = self;
    const view = await port.gatewayState(self.gatewayId);
    if (view.incarnation !== incarnation || view.state === "joined") return;
    if (incarnation === self.incarnation) this.fence("it was given up as lost");
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#lookNow = () => {
      woken.abort();
    };
    const any = AbortSignal.any([signal, woken.signal]);
    await sleep(ms, undefined, { signal: any }).catch(() => undefined);
  }
}
