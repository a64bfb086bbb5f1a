/**
 * How many moves may be under way at once. Every move costs the processes that Commands need, too, and what is asked of them
 * beyond what they manage waits in their queues, with the Commands behind it (Little's law). So the number follows how long
 * moves take: it is what is really being worked on, by the quickest move of late, and a short queue beside.
 */

export interface MovePace {
  /** Moves that may be under way at once; its whole part counts. */
  readonly atOnce: number;
  /** The quickest move of this span, and of the one before, in milliseconds. */
  readonly quickestMs: number | undefined;
  readonly quickestBeforeMs: number | undefined;
  readonly spanFromMs: number;
  readonly lastMs: number;
}

/** What came of a move. */
export interface MoveOutcome {
  /** From asking the agent until its lifecycle has taken the new session up, in milliseconds. */
  readonly tookMs: number;
  /** Another one had to wait meanwhile, because as many were under way as may be. */
  readonly othersWaited: boolean;
  /** The agent did not go: mostly the other gateway was busy. */
  readonly failed: boolean;
}

/** A gateway takes 64 handshakes at once by default, those of agents that reconnect among them. */
export const movesAtOnce = { least: 4, first: 6, most: 60 };
/** Moves that may wait somewhere: enough that nobody idles. */
const queued = 6;
/** How long the quickest move is remembered: what machines manage changes. */
const spanMs = 30_000;

export function firstPace(nowMs: number): MovePace {
  return {
    atOnce: movesAtOnce.first,
    quickestMs: undefined,
    quickestBeforeMs: undefined,
    spanFromMs: nowMs,
    lastMs: nowMs,
  };
}

/** The pace at that time: one that was not used for long says nothing any more. */
export function paceAt(pace: MovePace, nowMs: number): MovePace {
  return nowMs - pace.lastMs > 2 * spanMs ? firstPace(nowMs) : pace;
}

/** The pace after a move has ended. As many moves as are under way take it all the way to what the newest one says. */
export function paceAfter(before: MovePace, move: MoveOutcome, nowMs: number): MovePace {
  const pace = { ...turned(before, nowMs), lastMs: nowMs };
  const { atOnce } = pace;
  if (move.failed) return { ...pace, atOnce: clamp(atOnce - 0.5) };
  const quickestMs = Math.min(pace.quickestMs ?? Infinity, move.tookMs);
  const baseMs = Math.min(quickestMs, pace.quickestBeforeMs ?? Infinity);
  const target = atOnce * (baseMs / move.tookMs) + queued;
  // What the rate or the plan holds back says nothing of whether more would be too much.
  const isHeldBack = !move.othersWaited && target > atOnce;
  const step = isHeldBack ? 0 : (target - atOnce) / atOnce;
  return { ...pace, quickestMs, atOnce: clamp(atOnce + step) };
}

/** When a span is over, fewer at once show for a moment how quick moves are without those of one's own before them. */
function turned(pace: MovePace, nowMs: number): MovePace {
  if (nowMs - pace.spanFromMs < spanMs) return pace;
  const { quickestMs: quickestBeforeMs, atOnce } = pace;
  return {
    ...pace,
    atOnce: clamp(atOnce / 2),
    quickestMs: undefined,
    quickestBeforeMs,
    spanFromMs: nowMs,
  };
}

function clamp(atOnce: number): number {
  return Math.min(Math.max(atOnce, movesAtOnce.least), movesAtOnce.most);
}
