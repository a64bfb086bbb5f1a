/** Which pings Temporal hears of, and for how long the gateway vouches after each (DESIGN §3). */
import {
  pingTimeoutMs,
  planRelays,
  relayIsDue,
  spreadOf,
  vouchAtConnectMs,
  type RelayPlan,
} from "../lifecycle/relay-budget.ts";
import type { LifecycleSettings, PingMessage } from "../workflows/agent-messages.ts";
import type { RelayMemory } from "./session.ts";

/** Relays under way at once: beyond it Temporal is slow, and a ping that is not urgent waits for the next one. */
const inFlightMax = 256;
/** A ping that comes later than this many intervals ends a late spell. */
const lateIntervals = 1.5;

/** What the relay asks of its gateway. */
export interface RelayPort {
  readonly budgetPerSecond: number;
  /** Judging clock. */
  now(): number;
  agents(): number;
  /** Whether the lease is held: without it nothing is vouched for. */
  mayVouch(): boolean;
  send(agentId: string, message: PingMessage): Promise<void>;
  /** Temporal did not take a relay. */
  onFailed(agentId: string, error: unknown): void;
}

/** The part of a session that the relay reads and writes. */
export interface RelayedSession {
  readonly agentId: string;
  readonly epoch: number;
  readonly settings: LifecycleSettings;
  lastPingAtMs: number;
  relay: RelayMemory;
}

export class Relay {
  readonly #port: RelayPort;
  #inFlight = 0;
  relayed = 0;

  constructor(port: RelayPort) {
    this.#port = port;
  }

  /** What a new session begins with; agents that connect together will not be relayed together. */
  atConnect(agentId: string, settings: LifecycleSettings): RelayMemory {
    const plan = this.#plan(settings, 1);
    const spreadMs = vouchAtConnectMs(plan, spreadOf(agentId));
    return {
      // As if the last relay had been so long ago that the next is due when the vouching ends.
      lastRelayAtMs:
        plan.vouchForMs === 0 ? undefined : this.#port.now() + spreadMs - plan.periodMs,
      plan,
      unhealthy: undefined,
    };
  }

  /** A ping arrived: relays it if it is due, urgent, or says something new about the agent's health. */
  onPing(session: RelayedSession, unhealthy: string | undefined): void {
    const nowMs = this.#port.now();
    const { settings, relay } = session;
    const silentMs = nowMs - session.lastPingAtMs;
    session.lastPingAtMs = nowMs;
    const urgent =
      silentMs > lateIntervals * settings.pingIntervalMs || unhealthy !== relay.unhealthy;
    const due = relayIsDue({
      nowMs,
      lastRelayAtMs: relay.lastRelayAtMs,
      plan: relay.plan,
      pingIntervalMs: settings.pingIntervalMs,
      endsLateSpell: urgent,
    });
    if (!due || (!urgent && this.#inFlight >= inFlightMax)) return;
    this.#send(session, nowMs, unhealthy);
  }

  /** For how much longer the gateway answers for a session: until its next relay is due. */
  vouchesForMs(session: RelayedSession): number {
    const { lastRelayAtMs, plan } = session.relay;
    if (!this.#port.mayVouch() || lastRelayAtMs === undefined) return 0;
    return Math.max(0, Math.round(lastRelayAtMs + plan.vouchForMs - this.#port.now()));
  }

  #send(session: RelayedSession, nowMs: number, unhealthy: string | undefined): void {
    const before = session.relay;
    session.relay = { lastRelayAtMs: nowMs, plan: this.#plan(session.settings, 0), unhealthy };
    this.#inFlight++;
    this.relayed++;
    this.#port
      .send(session.agentId, {
        epoch: session.epoch,
        lastPingAgoMs: 0,
        vouchForMs: this.vouchesForMs(session),
        ...(unhealthy !== undefined && { unhealthy }),
      })
      .catch((error: unknown) => {
        // The next ping tries again.
        session.relay = { ...before, lastRelayAtMs: undefined };
        this.#port.onFailed(session.agentId, error);
      })
      .finally(() => this.#inFlight--);
  }

  #plan(settings: LifecycleSettings, newcomers: number): RelayPlan {
    return planRelays({
      agents: this.#port.agents() + newcomers,
      pingIntervalMs: settings.pingIntervalMs,
      budgetPerSecond: this.#port.budgetPerSecond,
    });
  }
}

/** Whether a session has been silent for too long. */
export function isSilent(session: RelayedSession, nowMs: number): boolean {
  return nowMs - session.lastPingAtMs > pingTimeoutMs(session.settings);
}
