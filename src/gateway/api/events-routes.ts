/** `GET events`: the event log as server-sent events. */
import type { ServerResponse } from "node:http";
import type { EventRow } from "../../db/index.ts";
import { ApiError } from "./errors.ts";
import { readEventTypes } from "./event-types.ts";
import type { ApiParts } from "./parts.ts";
import { streamQuery } from "./schemas.ts";
import type { Api } from "./validation.ts";

/** How often a silent stream says that it is alive. */
const keepAliveMs = 15_000;
/** What a reader that lost the stream should wait before it comes back. */
const retryMs = 2_000;
const streamsMax = 500;

export function eventsRoutes(api: Api, { events, log, closing }: ApiParts): void {
  let open = 0;
  api.get(
    "/events",
    {
      schema: {
        tags: ["events"],
        summary: "Events of all agents as they happen, as server-sent events",
        description:
          "Begins with news; after the event with the id in `Last-Event-ID` (or `after`) when it is given, missing none. " +
          "With `types`, only events of these types. Each event has its id, its type as `event`, and the event as JSON in `data`.",
        querystring: streamQuery,
        response: {
          200: { description: "The stream.", content: { "text/event-stream": { schema: {} } } },
        },
      },
    },
    async ({ query, headers }, reply) => {
      const { agentId } = query;
      const types = readEventTypes(query.types);
      const afterId = lastEventId(headers["last-event-id"]) ?? query.after;
      if (open >= streamsMax) {
        throw new ApiError("TOO_MANY_IN_FLIGHT", `${open} event streams are open here already.`);
      }
      reply.hijack();
      const response = reply.raw;
      const gone = new AbortController();
      response.once("close", () => {
        gone.abort();
      });
      open++;
      try {
        await stream(
          response,
          events.read(
            {
              idleMs: keepAliveMs,
              agentId,
              types,
              ...(afterId !== undefined && { afterId }),
            },
            AbortSignal.any([gone.signal, closing]),
          ),
        );
      } catch (error) {
        if (!gone.signal.aborted) log.warn({ err: error }, "an event stream was broken off");
      } finally {
        open--;
        response.end();
      }
    },
  );
}

/** Writes batches as fast as the reader takes them. */
async function stream(
  response: ServerResponse,
  batches: AsyncIterable<readonly EventRow[]>,
): Promise<void> {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    // A stream ends when the gateway does, which must not wait for a connection that nobody uses again.
    connection: "close",
    // nginx would hold events back.
    "x-accel-buffering": "no",
  });
  response.write(`retry: ${retryMs}\n\n`);
  for await (const batch of batches) {
    const text = batch.length === 0 ? ": alive\n\n" : batch.map(eventText).join("");
    if (response.destroyed) return;
    if (!response.write(text)) await drained(response);
  }
}

/** Resolves when the reader has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

function eventText(event: EventRow): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** @throws ApiError for an id that this API never gave. */
function lastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === "") return undefined;
  const id = Number(header);
  if (Number.isSafeInteger(id) && id >= 0) return id;
  throw new ApiError("INVALID_REQUEST", "Last-Event-ID is not the id of an event.");
}
