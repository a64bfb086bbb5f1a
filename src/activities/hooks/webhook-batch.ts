/** Cuts events into bodies: a JSON array each, bounded in number and size. */
import type { EventRow } from "../../db/index.ts";

export interface BatchLimits {
  readonly eventsMax: number;
  /** Size of the body. */
  readonly bytesMax: number;
}
const batchLimits: BatchLimits = { eventsMax: 100, bytesMax: 256 * 1_024 };

export interface Batch {
  /** The same whenever these events are sent together again. */
  readonly messageId: string;
  readonly body: string;
  readonly count: number;
  /** Id of its last event: where the next batch begins. */
  readonly lastId: number;
}

/** As many of the first events as fit, one at least: an event that is too large alone goes alone. */
export function takeBatch(
  webhookId: string,
  events: readonly EventRow[],
  limits: BatchLimits = batchLimits,
): Batch | undefined {
  const parts: string[] = [];
  let bytes = 2;
  for (const event of events.slice(0, limits.eventsMax)) {
    const part = JSON.stringify(event);
    bytes += Buffer.byteLength(part) + 1;
    if (parts.length > 0 && bytes > limits.bytesMax) break;
    parts.push(part);
  }
  const [first, last] = [events[0], events[parts.length - 1]];
  if (first === undefined || last === undefined) return undefined;
  return {
    messageId: `${webhookId}.${first.id}-${last.id}`,
    body: `[${parts.join(",")}]`,
    count: parts.length,
    lastId: last.id,
  };
}
