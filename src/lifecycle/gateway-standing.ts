/** A gateway's state in one word, as operators see it. */

/** It reports every two seconds. */
const silentAfterMs = 10_000;

/**
 * - `up`: it takes agents.
 * - `draining`: it is being emptied, and takes none.
 * - `silent`: nothing was heard of it for a while, though nobody has given it up.
 * - `fenced`: it was cut off, sent its agents away, and is about to join anew.
 * - `lost`: it was given up. `left`: it stopped on purpose.
 */
export const gatewayStandings = ["up", "draining", "silent", "fenced", "lost", "left"] as const;
export type GatewayStanding = (typeof gatewayStandings)[number];

/** @param gateway.reportAgoMs undefined: it does not report, as gateways of the first release. */
export function gatewayStanding(gateway: {
  readonly state: "joined" | "lost" | "left";
  readonly draining: boolean;
  readonly fenced: boolean;
  readonly reportAgoMs: number | undefined;
}): GatewayStanding {
  const { state, draining, fenced, reportAgoMs = 0 } = gateway;
  if (state === "left") return state;
  if (fenced && reportAgoMs <= silentAfterMs) return "fenced";
  if (state === "lost") return state;
  if (reportAgoMs > silentAfterMs) return "silent";
  return draining ? "draining" : "up";
}
