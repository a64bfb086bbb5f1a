import type { ResourceStatus } from "../api/index.ts";

/** What a Ping frame takes beside the statuses. */
const envelopeBytes = 1_024;

/** The statuses of a ping, without their workloads when a frame can't hold them: a ping must go out in any case. */
export function fitStatuses(
  statuses: readonly ResourceStatus[],
  frameBytesMax: number,
): readonly ResourceStatus[] {
  if (Buffer.byteLength(JSON.stringify(statuses)) <= frameBytesMax - envelopeBytes) return statuses;
  return statuses.map(({ name, healthy, details }) => ({
    name,
    healthy,
    details: `${(details ?? "").slice(0, 200)} Too many workloads to list in one ping.`.trim(),
  }));
}
