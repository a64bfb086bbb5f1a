/**
 * Emptying a host for maintenance, as plain JSON: it crosses continue-as-new as it is. Bounded: it holds the machines of
 * the newest list alone, those that are gone are only counted.
 */
import type { EvacuationPolicy, ResourceState, VmInfo } from "../api/index.ts";

/** How an evacuation goes about it. Times in milliseconds. */
export const evacuationSettings = {
  /** Commands at once: the agent runs them one after the other and always has the next at hand. */
  atOnce: 3,
  /** Tries for each machine, and for a list that fails. */
  triesMax: 3,
  retryAfterMs: 30_000,
  /** Hosts that are asked to take one machine within one try. */
  destinationsPerTry: 3,
  listWaitMs: 120_000,
  /** How much longer than the deadline a Command may wait: it is cancelled at the deadline and still answers. */
  cancelGraceMs: 60_000,
  /** Machines that are worked on at once; the next list brings the others. */
  vmsMax: 1_000,
  /** What counts when nobody said otherwise (DESIGN §6). */
  policy: "migrate",
  deadlineMs: 3_600_000,
  perCluster: 1,
} as const;

/**
 *   claiming  asks whether the cluster may spare this host now
 *   listing   waits for the list of the host's machines
 *   moving    Commands are under way, one for a machine at most
 *   waiting   something failed; the next try begins at `nextTryAtMs`
 * and the ends:
 *   done      nothing runs on the host any more
 *   failed    tries used up, or deadline over
 *   refused   the cluster can't spare this host now
 *   cancelled by an operator
 */
export type EvacuationPhase =
  "claiming" | "listing" | "moving" | "waiting" | "done" | "failed" | "refused" | "cancelled";

/** Another host of the cluster that takes machines. */
export interface Destination {
  readonly agentId: string;
  /** The `destination` of MigrateVm, in the resource's own terms. */
  readonly migrateTo: string;
}

/** A machine as its resource listed it. */
export interface ListedVm {
  readonly resource: string;
  readonly name: string;
  readonly power: VmInfo["power"];
}

/** The Command under way for a machine. */
export interface AskedOfVm {
  readonly requestId: string;
  readonly type: "MigrateVm" | "StopVm";
  /** Agent id of the host that is to take it. */
  readonly destination?: string;
}

/**
 * A machine on its way off the host: waiting for its turn, asked (a Command is under way), moved or stopped by the
 * agent's word, tried (this try failed, another follows), or failed for good.
 */
export interface EvacuatedVm {
  readonly resource: string;
  readonly name: string;
  state: "waiting" | "asked" | "moved" | "stopped" | "tried" | "failed";
  /** Tries that failed. */
  tries: number;
  /** Hosts that refused it in this try. */
  refusedBy: string[];
  asked?: AskedOfVm | undefined;
  /** Why the last try failed, until it is off the host. */
  problem?: string | undefined;
}

export interface Evacuation {
  /** Counts the evacuations of this agent. */
  readonly no: number;
  readonly by: string;
  readonly reason?: string;
  /** Where the host came from: it goes back there when its cluster can't spare it. */
  readonly from: Extract<ResourceState, "Enabled" | "ErrorInMaintenance">;
  policy: EvacuationPolicy;
  readonly startedAtMs: number;
  deadlineAtMs: number;
  phase: EvacuationPhase;
  /** How it ended, in one sentence for operators; absent while it goes on. */
  outcome?: string;
  endedAtMs?: number;
  /** Set once the first list came. */
  listed: boolean;
  vms: EvacuatedVm[];
  /** Machines that are off the host by its newest list. */
  moved: number;
  stopped: number;
  /** Machines of the newest list beyond `vmsMax`. */
  more: number;
  list: {
    requestId?: string | undefined;
    /** Names of the resources that were asked. */
    resources?: readonly string[];
    tries: number;
    problem?: string | undefined;
  };
  nextTryAtMs?: number | undefined;
  /** Who takes machines, asked for once in each round; undefined until the answer is there. */
  destinations?: readonly Destination[] | undefined;
  /** Machines that each host was asked to take, by agent id; refusals count too, so that others are preferred. */
  load: Record<string, number>;
}

/** A Command of an evacuation, without its id. */
export type EvacuationCommand =
  | { readonly type: "ListVms"; readonly resource: string }
  | { readonly type: "StopVm"; readonly resource: string; readonly vm: string }
  | {
      readonly type: "MigrateVm";
      readonly resource: string;
      readonly vm: string;
      readonly destination: string;
    };

/** A Request to be admitted to the agent's own mailbox. */
export interface EvacuationRequest {
  readonly requestId: string;
  readonly commands: readonly EvacuationCommand[];
  readonly waitMs: number;
}

/** A line for the event log. */
export interface EvacuationNews {
  readonly step: "started" | "listed" | "moved" | "stopped" | "failed" | "retried" | "finished";
  readonly text: string;
  readonly data?: Readonly<Record<string, unknown>>;
}
