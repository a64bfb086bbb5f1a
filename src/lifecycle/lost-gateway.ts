/**
 * When the agents of a lost gateway are told, and how fast (DESIGN §8). Pure. Most of them come back by themselves: at
 * once, or as fast as the other gateways take them. To tell one costs Temporal as much as to take it, so whoever still
 * comes back is waited for, but never so long that a silent agent is found later than by a gateway that lives.
 */

/** Parts of the agents' ping time-out: to come back in, and for the others to be told in. The rest finds the loss. */
const windows = { comeBack: 0.2, told: 0.3 } as const;
/** When nobody came back for so long, the others are not on their way. */
const quietMs = 2_000;

/** What is seen of the agents of a lost gateway. */
export interface Homecoming {
  /** Agents that have no session elsewhere. */
  readonly agents: number;
  /** How long there are that many of them. */
  readonly unchangedForMs: number;
  /** How long they have been waited for. */
  readonly waitedMs: number;
  /** The shortest one of theirs. */
  readonly pingTimeoutMs: number;
}

/** Whether agents are still coming back, and there is time to wait for them. */
export function areComingBack(seen: Homecoming): boolean {
  return (
    seen.agents > 0 &&
    seen.unchangedForMs < quietMs &&
    seen.waitedMs < windows.comeBack * seen.pingTimeoutMs
  );
}

/** Signals for each batch, how long a batch takes at least, and how many signals are under way. */
export interface TellPace {
  readonly batch: number;
  readonly batchMs: number;
  readonly atOnce: number;
}

/** 100 signals a second, about a third of what a small Temporal takes. A larger fleet has a larger Temporal. */
const leastPace: TellPace = { batch: 50, batchMs: 500, atOnce: 10 };

/** How fast so many agents are told: within their part of the time-out, however many they are. */
export function tellPace(agents: number, pingTimeoutMs: number): TellPace {
  const { batch, batchMs, atOnce } = leastPace;
  const withinMs = windows.told * pingTimeoutMs;
  const factor = Math.max(1, (agents * batchMs) / (batch * withinMs));
  return { batch: Math.ceil(batch * factor), batchMs, atOnce: Math.ceil(atOnce * factor) };
}
