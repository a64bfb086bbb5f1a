/**
 * The brake on mass loss: when much of a zone or cluster is lost at once, a broken switch, a wrong BMC or a bug is likelier
 * than as many dead hosts, so Down is held back. Pure; absolute times in milliseconds.
 */
import { isoTime } from "./iso-time.ts";

/** How much is lost at one place: a cluster, or a whole zone. Counts hosts in service alone. */
export interface PlaceLosses {
  readonly total: number;
  /** Lost at present, however long ago. */
  readonly lostNow: number;
  /** Lost at present, and since less than the window. */
  readonly lostInWindow: number;
}

/** What is remembered of a place's brake. */
export interface BrakeState {
  /** Since when Down is held back; null while it isn't. */
  readonly sinceMs: number | null;
  /** An operator released it until then; null when nobody did. */
  readonly releasedUntilMs: number | null;
}

export interface BrakeSettings {
  /** Share of the hosts above which Down is held back; 1 switches the brake off. */
  readonly brakeShare: number;
  readonly brakeWindowMs: number;
  /** Fewer lost hosts than this are never a storm, whatever their share. */
  readonly brakeLostMin: number;
}

export interface BrakeDecision {
  readonly held: boolean;
  /** An operator let Down through here: that also counts against the brake of the wider or narrower place. */
  readonly released: boolean;
  readonly change: "begins" | "ends" | "none";
  /** In words, without the place's name. */
  readonly reason: string;
}

/**
 * Whether Down is held back at a place. The brake begins when too large a share was lost within the window, and ends when
 * no more than that share is lost any more: losses that only grow old do not end it, hosts that come back do, or an
 * operator who knows better.
 */
export function decideBrake(
  losses: PlaceLosses,
  state: BrakeState,
  settings: BrakeSettings,
  nowMs: number,
): BrakeDecision {
  const isOn = state.sinceMs !== null;
  if (state.releasedUntilMs !== null && state.releasedUntilMs > nowMs) {
    const until = isoTime(state.releasedUntilMs);
    const reason = `released until ${until}`;
    return { held: false, released: true, change: isOn ? "ends" : "none", reason };
  }
  if (isOn) {
    const held = isStorm(losses.lostNow, losses.total, settings);
    return {
      held,
      released: false,
      change: held ? "none" : "ends",
      reason: `${losses.lostNow} of ${losses.total} hosts are lost`,
    };
  }
  const held = isStorm(losses.lostInWindow, losses.total, settings);
  const window = `${Math.round(settings.brakeWindowMs / 1_000)} s`;
  return {
    held,
    released: false,
    change: held ? "begins" : "none",
    reason: `${losses.lostInWindow} of ${losses.total} hosts were lost within ${window}`,
  };
}

function isStorm(lost: number, total: number, settings: BrakeSettings): boolean {
  return lost >= settings.brakeLostMin && total > 0 && lost / total > settings.brakeShare;
}
