/** Where is noted what becomes of a Request's Commands, so that none runs twice. */
import type { WireCommand } from "../api/index.ts";
import type { Log } from "../telemetry/log.ts";
import type { RequestFrame } from "../wire/frames.ts";
import type { Journal } from "./journal.ts";
import type { GivenRequest, Recollection } from "./journal-memory.ts";
import { digestOf } from "./request-key.ts";

/** The notes of one Request. */
export interface RequestNotes {
  recall(command: WireCommand): Recollection;
  /** @throws JournalError: then the Command must not be executed. */
  started(command: WireCommand): Promise<void>;
  /** Never rejects: what ran is answered in any case. */
  answered(command: WireCommand, text: string): Promise<void>;
}

/** For Requests that only read: they leave no trace, and after a crash are simply run again. */
export const noNotes: RequestNotes = {
  recall: () => ({ type: "new" }),
  started: () => Promise.resolve(),
  answered: () => Promise.resolve(),
};

/** Notes in the journal. */
export function journalNotes(journal: Journal, request: GivenRequest, log: Log): RequestNotes {
  return {
    recall: ({ id }) => journal.recall(request, id),
    started: ({ id }) => journal.started(request, id),
    answered: async ({ id }, text) => {
      try {
        await journal.answered(request, id, text);
      } catch (error) {
        // The Answer goes out from memory; the journal has said what is wrong with it.
        log.debug({ err: error, commandId: id }, "an Answer is not on disk yet");
      }
    },
  };
}

/** A Request as the journal knows it. */
export function givenRequest({ seq, commands, fresh, handedBefore }: RequestFrame): GivenRequest {
  return {
    seq,
    ids: commands.map(({ id }) => id),
    digests: commands.map(digestOf),
    ...(fresh !== undefined && { fresh }),
    ...(handedBefore !== undefined && { handedBefore }),
  };
}
