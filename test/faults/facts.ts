/** What a cell of the fault matrix leaves behind, for its checker. */
import type { Answer } from "../../src/api/index.ts";
import type { RequestView } from "../../src/workflows/agent-messages.ts";

/** A Command of the load. */
export interface LoadCommand {
  readonly id: string;
  readonly type: "Step" | "FreeStep" | "Redo" | "FreeRedo";
  /** The resource answers that it failed, without an effect. */
  readonly fails: boolean;
  readonly takesMs: number;
  readonly pauseAfter: boolean;
}

/** A Request of the load. */
export interface LoadRequest {
  readonly requestId: string;
  readonly agentId: string;
  readonly commands: readonly LoadCommand[];
  readonly onError: "stop" | "continue";
  readonly waitMs: number;
}

/** What its caller came to in the end, with all its asking again. */
export type CallerEnd =
  | { readonly type: "answered"; readonly answers: readonly Answer[] }
  | { readonly type: "refused"; readonly code: string }
  /** No gateway gave it an Answer within the caller's patience. */
  | { readonly type: "gaveUp"; readonly last: string };

export interface RequestFacts extends LoadRequest {
  readonly caller: CallerEnd;
  /** From its first asking to its end. */
  readonly tookMs: number;
  readonly asked: number;
  /** As `GET requests/:id` says; null: the manager does not know it. */
  readonly record: RequestView | null;
  /** As the lifecycle says by itself. */
  readonly lifecycle: RequestView | null;
}

/** What the resource of one agent noted, in its order. */
export interface ResourceNotes {
  readonly effects: readonly string[];
  readonly begun: readonly { readonly id: string; readonly pid: number }[];
}

export interface CellFacts {
  readonly requests: readonly RequestFacts[];
  readonly notes: Readonly<Record<string, ResourceNotes>>;
  /** Agent processes that were killed, stopped or restarted. */
  readonly brokenAgentPids: readonly number[];
  /** From the first asking until everything that was broken was whole again. */
  readonly healedAfterMs: number;
  /** Each agent's Status changes during the cell. */
  readonly statusEvents: Readonly<Record<string, readonly string[]>>;
  readonly historyLengths: Readonly<Record<string, number>>;
  /** Lifecycles whose history makes today's code do something else when it is replayed, and what. */
  readonly notReplayed: readonly string[];
  /** What did not work after the fault, such as a process that is gone or a Command without its Answer. */
  readonly notWell: readonly string[];
}
