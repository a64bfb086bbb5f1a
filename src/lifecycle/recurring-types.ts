/** Requests that an agent's lifecycle sends again and again by itself, as plain JSON: they cross continue-as-new as they are. */
import type { Answer } from "../api/index.ts";

/** When a recurring Request is due: a cron expression of five fields in a time zone (default UTC), or every so often. */
export type RecurringSchedule =
  { readonly cron: string; readonly timezone?: string } | { readonly everySeconds: number };

/** What is sent, and when. */
export interface RecurringOrder {
  readonly name: string;
  /** Without ids: each run gives them new ones. */
  readonly commands: readonly { readonly type: string; readonly [field: string]: unknown }[];
  readonly schedule: RecurringSchedule;
  readonly onError: "stop" | "continue";
  /** Absent: the largest of the Command types' own waits. */
  readonly waitSeconds?: number;
}

/** A recurring Request and how its runs fare. */
export interface Recurring {
  readonly order: RecurringOrder;
  readonly bytes: number;
  nextAtMs: number;
  runs: number;
  failed: number;
  skipped: number;
  lastRun?: {
    readonly requestId: string;
    readonly atMs: number;
    /** Absent while it goes on. */
    answers?: readonly Answer[];
  };
  lastSkip?: { readonly atMs: number; readonly reason: string };
  /** The last run that ended failed. */
  failing?: boolean;
}

/** Bounds of one agent's recurring Requests: they cross continue-as-new beside the mailbox. */
export const recurringLimits = {
  count: 50,
  nameCharsMax: 100,
  commandsInOne: 10,
  /** All of one agent's together. */
  bytes: 96 * 1024,
  everySecondsMin: 10,
  everySecondsMax: 31 * 86_400,
  /** Answers of a last run that are kept whole. */
  answersBytes: 2 * 1024,
  /** A turn that nobody was there to take is still taken so much later, not more. */
  lateMsMax: 600_000,
} as const;
