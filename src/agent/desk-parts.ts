import type { Log } from "../telemetry/log.ts";
import type { Journal } from "./journal.ts";
import type { Outbox } from "./outbox.ts";
import type { ResourceSet } from "./resource-set.ts";

/** What the desks of both lanes need. */
export interface DeskParts {
  readonly resources: ResourceSet;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly log: Log;
  readonly frameBytesMax: number;
  /** Writes a frame's text to the current session, when there is one. */
  readonly send: (text: string) => void;
  readonly abortGraceMs?: number | undefined;
}
