/** Events as a timeline: when, how long after the one before, what kind, what happened. */
import type { EventJson } from "../api/types.ts";
import { clockOf, dateOf, took } from "./times.ts";
import { hanging } from "./wrap.ts";

/** What an event is, in a word or two; an unknown type is shown as it is. */
const labels: Readonly<Record<string, string>> = {
  connected: "connected",
  disconnected: "lost",
  status: "status",
  resourceState: "resource",
  refused: "refused",
  pingTimeoutAsked: "asked",
  investigation: "saw",
  verdict: "decided",
  alertRaised: "alert",
  alertCleared: "alert",
  unhealthy: "unhealthy",
  healthy: "healthy",
  lateAnswer: "too late",
  requestExpired: "expired",
  requestCancelled: "cancelled",
  configured: "configured",
  gatewayLost: "gateway",
  messageIgnored: "ignored",
  evacuation: "evacuation",
  braked: "held back",
  brakeReleased: "released",
  recoveryCalled: "recovery",
  recurringAdded: "recurring",
  recurringRemoved: "recurring",
  recurringFailed: "recurring",
  recurringSucceeded: "recurring",
};
const labelWidth = Math.max(...Object.values(labels).map((label) => label.length));
const gapWidth = 12;

/** One entry for each event, oldest first, with a line where a new day begins. */
export function timeline(events: readonly EventJson[], width: number): string {
  let day = "";
  let beforeMs: number | undefined;
  return events
    .map((event) => {
      const at = new Date(event.at);
      const heading = dateOf(at) === day ? "" : `${dateOf(at)}\n`;
      day = dateOf(at);
      const gap = beforeMs === undefined ? "" : `+${took(Math.max(0, at.getTime() - beforeMs))}`;
      beforeMs = at.getTime();
      const label = (labels[event.type] ?? event.type).padEnd(labelWidth);
      const first = `  ${clockOf(at)}  ${gap.padStart(gapWidth)}  ${label}  `;
      return heading + hanging(first, textOf(event), width);
    })
    .join("");
}

/** The event's own sentence, and for an Investigator how long it took. */
function textOf({ text, data }: EventJson): string {
  const { tookMs } = (data ?? {}) as { readonly tookMs?: unknown };
  return typeof tookMs === "number" ? `${text} (took ${took(tookMs)})` : text;
}
