/** Reads the event log as the operator API streams it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "./api/client.ts";
import { ApiUnreachableError } from "./api/errors.ts";
import { eventData } from "./api/event-stream.ts";
import type { EventJson } from "./api/types.ts";

export interface EventsFrom {
  /** Id of the last event that was seen. */
  readonly after?: number;
  readonly agent?: string;
  /** Types that are wanted, separated by commas; all when absent. */
  readonly types?: string;
}

/** The stream has no end; this long without an event means that all past ones were read. */
const quietMs = 2_000;
const retryMs = 2_000;

/** Hands over the events that there are, and resolves when no more come. */
export async function pastEvents(
  api: ApiClient,
  from: EventsFrom,
  onEvent: (event: EventJson) => void,
): Promise<void> {
  const quiet = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      quiet.abort();
    }, quietMs);
  };
  try {
    await readStream(api, from, quiet.signal, wait, onEvent);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Hands over events as they happen until the signal aborts. A stream that breaks off is taken up where it was, after
 * `onBroken` was told why.
 * @throws ApiRefusedError, ApiUnreachableError when it can't be opened the first time.
 */
export async function followEvents(
  api: ApiClient,
  from: EventsFrom,
  onEvent: (event: EventJson) => void,
  signal: AbortSignal,
  onBroken: (why: string) => void,
): Promise<void> {
  const place: EventsFrom & { after?: number } = { ...from };
  const stream = { opened: false };
  while (!isOver(signal)) {
    try {
      await readStream(
        api,
        place,
        signal,
        () => {
          stream.opened = true;
        },
        (event) => {
          place.after = event.id;
          onEvent(event);
        },
      );
      if (!isOver(signal)) onBroken("The event stream ended.");
    } catch (error) {
      if (isOver(signal)) return;
      if (!stream.opened || !(error instanceof ApiUnreachableError)) throw error;
      onBroken(error.message);
    }
    await sleep(retryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Resolves when the stream ends or the signal aborts. `onAlive` is called when it opens and with each event. */
async function readStream(
  api: ApiClient,
  { after, agent, types }: EventsFrom,
  signal: AbortSignal,
  onAlive: () => void,
  onEvent: (event: EventJson) => void,
): Promise<void> {
  const response = await api.open("events", {
    query: { agentId: agent, types },
    headers: {
      accept: "text/event-stream",
      ...(after !== undefined && { "last-event-id": String(after) }),
    },
    signal,
  });
  onAlive();
  try {
    for await (const data of eventData(response)) {
      onAlive();
      onEvent(JSON.parse(data) as EventJson);
    }
  } catch (error) {
    if (isOver(signal)) return;
    const why = error instanceof Error ? error.message : String(error);
    throw new ApiUnreachableError("API_BROKEN_OFF", `The event stream broke off (${why}).`, {
      cause: error,
    });
  }
}

/** Asked anew after each wait: the compiler believes that a signal does not change. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
