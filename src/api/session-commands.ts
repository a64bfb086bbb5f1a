import type { Answer } from "./answer.ts";
import type { CommandTraits } from "./command.ts";

/**
 * Describes one ServerResource when its agent connects; the first message of a session carries one
 * for each resource. Returned by `ServerResource.initialize()`.
 */
export interface StartupCommand {
  readonly type: "Startup";
  /** Name of the resource, unique within its agent. */
  readonly name: string;
  /** Kind of resource, such as `kvm`; must equal its cluster's. */
  readonly resourceType: string;
  readonly zone: string;
  readonly cluster: string;
  /** Version of the resource's own software. */
  readonly version: string;
  /** Address at which Investigators may probe the physical host (name or IP). */
  readonly address?: string;
  /** TCP ports at `address` that answer while the host is alive, for probes where ICMP is not allowed. */
  readonly probePorts?: readonly number[];
  /**
   * What other hosts of the cluster give as `destination` of MigrateVm to move a machine here (a libvirt connection URI
   * for `kvm`, the host's name for `simulator`). Absent: nothing can be moved here.
   */
  readonly migrateTo?: string;
  /** Whether the resource lets a host be entered into maintenance with workloads on it, memory, CPUs, … for people. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
  /** Traits of Command types that the resource maps beyond those of `muster/api`. At most 64. */
  readonly commandTypes?: Readonly<Record<string, CommandTraits>>;
}

/** The manager's reply to a handshake. `result: false` refuses the agent; `details` says what to change. */
export interface StartupAnswer extends Answer {
  readonly type: "StartupAnswer";
  /** Number of this session; strictly rising for each agent, the newest wins. */
  readonly epoch?: number;
  readonly pingIntervalMs?: number;
  /** WebSocket URLs of the gateways to try, in order of preference. */
  readonly gateways?: readonly string[];
  /** When refused: not before this many milliseconds. Absent: retry with the usual back-off. */
  readonly retryAfterMs?: number;
}

/** The session is recorded: the agent is admitted and may expect Commands. */
export interface ReadyCommand {
  readonly type: "Ready";
  readonly id: string;
  readonly epoch: number;
}
export interface ReadyAnswer extends Answer {
  readonly type: "ReadyAnswer";
}

/** Sent by the agent each ping interval. It carries the health of the work, not only of the socket. */
export interface PingCommand {
  readonly type: "Ping";
  readonly id: string;
  /** One entry for each resource. */
  readonly resources: readonly ResourceStatus[];
}
export interface PingAnswer extends Answer {
  readonly type: "PingAnswer";
  /** Interval to ping at from now on. */
  readonly pingIntervalMs?: number;
  /** Gateways to know from now on. */
  readonly gateways?: readonly string[];
}

/** What a resource says of itself at each ping. */
export interface ResourceStatus {
  readonly name: string;
  readonly healthy: boolean;
  readonly details?: string;
  /** Names of the workloads on the resource and their power state. */
  readonly workloads?: Readonly<Record<string, PowerState>>;
}

/** Power state of a virtual machine. */
export const powerStates = ["On", "Off", "Paused", "Unknown"] as const;
export type PowerState = (typeof powerStates)[number];

/** Why an agent says goodbye. */
export const shutdownReasons = ["stop", "upgrade", "reboot", "uninstall"] as const;
export type ShutdownReason = (typeof shutdownReasons)[number];

/** The agent says goodbye: no investigation, no alert. */
export interface ShutdownCommand {
  readonly type: "Shutdown";
  readonly id: string;
  readonly reason: ShutdownReason;
  readonly details?: string;
}
export interface ShutdownAnswer extends Answer {
  readonly type: "ShutdownAnswer";
}

/** The manager asks the agent to open a new session (operator's `reconnect`). */
export interface ReconnectCommand {
  readonly type: "Reconnect";
  readonly id: string;
  readonly details: string;
}

/**
 * The manager asks the agent to go on at another gateway: it opens a session there first, then ends this one when nothing
 * is under way on it any more. `result: false` in the MoveAnswer: it stays, `details` says why.
 */
export interface MoveCommand {
  readonly type: "Move";
  readonly id: string;
  /** WebSocket URL of that gateway. */
  readonly url: string;
  readonly details: string;
}
export interface MoveAnswer extends Answer {
  readonly type: "MoveAnswer";
}

/** The manager asks the agent to stop a Request that it was given; each of its Commands still gets one Answer. */
export interface CancelCommand {
  /**
   * `Cancel` is for the durable lane, `CancelDirect` for the direct lane: `seq` counts for each by itself, and an agent
   * that does not know the second must not take it for the first.
   */
  readonly type: "Cancel" | "CancelDirect";
  readonly id: string;
  /** `seq` of the Request to cancel. */
  readonly seq: number;
  readonly details: string;
}
