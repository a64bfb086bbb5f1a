/**
 * How a gateway spreads its ping relays so that it stays within its budget of signals (DESIGN §3). Pure arithmetic:
 * the gateway keeps the clock and the sockets.
 */

/** Longest time between two relays of one agent: what a workflow may go without hearing anything. */
export const relayPeriodMsMax = 3_600_000;

/** What the budget leaves for each agent. */
export interface RelayPlan {
  /** Time between two relays of one agent, in milliseconds. */
  readonly periodMs: number;
  /** How long the gateway watches the agent by itself after a relay; 0 while every ping is relayed. */
  readonly vouchForMs: number;
}

/**
 * The relay period of a gateway that holds `agents` agents and may send `budgetPerSecond` ping signals a second.
 * Under the budget every ping is relayed; over it the relays are stretched evenly, one hour at most.
 */
export function planRelays(load: {
  readonly agents: number;
  readonly pingIntervalMs: number;
  readonly budgetPerSecond: number;
}): RelayPlan {
  const neededMs =
    load.budgetPerSecond > 0 ? (load.agents / load.budgetPerSecond) * 1_000 : relayPeriodMsMax;
  if (neededMs <= load.pingIntervalMs) return { periodMs: load.pingIntervalMs, vouchForMs: 0 };
  const periodMs = Math.max(load.pingIntervalMs, Math.min(relayPeriodMsMax, Math.ceil(neededMs)));
  return { periodMs, vouchForMs: periodMs };
}

/**
 * Whether the ping that just arrived is relayed: every ping while the gateway doesn't vouch, else when the period is
 * over or would be before the next ping, and always when it ends a late spell.
 * Times by the gateway's monotonic clock; `lastRelayAtMs` undefined means never relayed.
 */
export function relayIsDue(ping: {
  readonly nowMs: number;
  readonly lastRelayAtMs: number | undefined;
  readonly plan: RelayPlan;
  readonly pingIntervalMs: number;
  readonly endsLateSpell: boolean;
}): boolean {
  if (ping.endsLateSpell || ping.lastRelayAtMs === undefined || ping.plan.vouchForMs === 0) {
    return true;
  }
  // Waiting for the ping after this one would pass the vouched time by part of an interval.
  return ping.nowMs - ping.lastRelayAtMs + ping.pingIntervalMs / 2 >= ping.plan.periodMs;
}

/**
 * For how long a gateway vouches at connect, so that agents that connected together do not relay together:
 * a share of the period, evenly spread by `spread` (0 ≤ spread < 1, such as a hash of the agent id).
 * Also the time from connect to the agent's first due relay.
 */
export function vouchAtConnectMs(plan: RelayPlan, spread: number): number {
  return plan.vouchForMs === 0 ? 0 : Math.ceil(plan.vouchForMs * Math.min(1, Math.max(0, spread)));
}

/** Spreads ids evenly over 0 ≤ x < 1 (FNV-1a). The same id always gives the same place. */
export function spreadOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) {
    hash ^= id.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  // FNV's low bits mix better than its high ones; one more round spreads ids that differ in their last digit only.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x7feb352d);
  hash ^= hash >>> 15;
  return (hash >>> 0) / 0x1_0000_0000;
}

/** Silence after which an agent counts as timed out (seed: 2.5 × the ping interval), in milliseconds. */
export function pingTimeoutMs(settings: {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMultiplier: number;
}): number {
  return settings.pingIntervalMs * settings.pingTimeoutMultiplier;
}
