/**
 * Hooks: outside code that learns what happens to agents, and may refuse one that connects (DESIGN §6, §7; the listeners of
 * the original's AgentManager). Written against `muster/api` alone; docs/HOOKS.md says how a module is loaded and what is
 * promised.
 */
import type { Answer, ResourceAnswer } from "./answer.ts";
import type { WireCommand } from "./command.ts";
import type { ResourceState, Status } from "./status.ts";

/** What a listener is given with each call. */
export interface HookCallOptions {
  /** Aborted when the time is up or the answer is no longer wanted. */
  readonly signal: AbortSignal;
  /** How long the call may take, in milliseconds; the manager goes on without it then. */
  readonly timeoutMs: number;
}

/** What an agent says of itself, and where it dialled. */
export interface ConnectingAgent {
  readonly agentId: string;
  readonly gatewayId: string;
  /** Address of the other end of its socket. */
  readonly peer: string;
  readonly zone: string;
  readonly cluster: string;
  readonly resourceType: string;
  /** Name and version of the agent's program. */
  readonly software: string;
  /** Where the host can be reached, if the agent said so. */
  readonly address?: string;
  /** What its resources say of themselves for people: memory, CPUs, … */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
  readonly resources: readonly {
    readonly name: string;
    readonly resourceType: string;
    readonly version: string;
  }[];
}

/** One accepted connection of an agent. */
export interface ConnectedAgent extends ConnectingAgent {
  /** Numbers the sessions of an agent, strictly rising. */
  readonly epoch: number;
}

/** The end of a connection that `onConnected` told of. */
export interface DisconnectedAgent extends ConnectedAgent {
  /** WebSocket close code (docs/PROTOCOL.md). */
  readonly closeCode: number;
  /** Why, in words. */
  readonly details: string;
  /** Whether the agent or the network ended it, and not the gateway. */
  readonly byPeer: boolean;
}

/** The agent may not connect; the reason goes to the agent and into the gateway's log. */
export interface Veto {
  readonly veto: string;
}

/** An event of the agent's lifecycle, as the event log has it. */
interface LifecycleNews {
  readonly agentId: string;
  /** Number of the event in the agent's life: rising, and the same when an event is told twice. */
  readonly no: number;
  /** ISO 8601. */
  readonly at: string;
  readonly epoch: number;
  /** Why, in words. */
  readonly reason: string;
}
export interface StatusChange extends LifecycleNews {
  readonly from: Status;
  readonly to: Status;
}
export interface ResourceStateChange extends LifecycleNews {
  readonly from: ResourceState;
  readonly to: ResourceState;
}
/** A host was declared Down: an Investigator proved it, `reason` says how. */
export type HostDown = LifecycleNews;

/** Commands on their way to an agent, or its Answers, as they pass its gateway. */
interface PassingBy {
  readonly agentId: string;
  readonly epoch: number;
  readonly gatewayId: string;
  readonly lane: "direct" | "durable";
  /** Number of the Request on its lane; Answers carry that of their Request. */
  readonly seq: number;
}
export interface PassingCommands extends PassingBy {
  readonly commands: readonly WireCommand[];
}
export interface PassingAnswers extends PassingBy {
  readonly answers: readonly Answer[];
}

/** Learns of connections and of what the lifecycles decide. Every method is optional. */
export interface ConnectionListener {
  /** Unique among the listeners of a process; names it in logs and metrics. */
  readonly name: string;
  /**
   * Asked by the gateway once the agent is admitted and before it has a session. Gives nothing, or a veto. The agent waits
   * for it: when it throws or takes too long, MUSTER_HOOK_FAILURE decides.
   */
  onConnecting?(
    agent: ConnectingAgent,
    options: HookCallOptions,
  ): Veto | undefined | Promise<Veto | undefined>;
  /** Gateway: the session is open. */
  onConnected?(agent: ConnectedAgent, options: HookCallOptions): void | Promise<void>;
  /** Gateway: a session that was open is over. What that means for the host is the lifecycle's to say. */
  onDisconnected?(agent: DisconnectedAgent, options: HookCallOptions): void | Promise<void>;
  /** Worker. */
  onStatusChanged?(change: StatusChange, options: HookCallOptions): void | Promise<void>;
  /** Worker. */
  onResourceStateChanged?(
    change: ResourceStateChange,
    options: HookCallOptions,
  ): void | Promise<void>;
  /** Worker: beside `onStatusChanged`, for those who wait for nothing else. */
  onHostDown?(down: HostDown, options: HookCallOptions): void | Promise<void>;
}

/** A Command that an agent asks of the manager, past any resource's mailbox. */
export interface ControlCommand {
  readonly agentId: string;
  readonly epoch: number;
  readonly gatewayId: string;
  readonly command: WireCommand;
}

/** Learns of Commands and Answers, on both lanes. An observer: what it is given are copies, and nothing waits for it. */
export interface CommandListener {
  readonly name: string;
  /** Gateway: written to the agent's socket. A Request that is delivered again is told again. */
  onCommands?(passing: PassingCommands, options: HookCallOptions): void | Promise<void>;
  /** Gateway: received from the agent and, on the durable lane, safe with Temporal. */
  onAnswers?(passing: PassingAnswers, options: HookCallOptions): void | Promise<void>;
  /**
   * Gateway: an agent asks the manager something. Listeners are asked in the order in which they were loaded; the first
   * that gives an Answer ends it. The agent waits for it.
   */
  onControlCommand?(
    control: ControlCommand,
    options: HookCallOptions,
  ): ResourceAnswer | undefined | Promise<ResourceAnswer | undefined>;
}

/** One module may be both. */
export type HookListener = ConnectionListener & CommandListener;

/** Which process loads the module: methods of the other kind are never called there. */
export interface HookContext {
  readonly process: "gateway" | "worker";
}

/** What a module named in MUSTER_HOOK_MODULES exports as default. */
export type HookFactory = (context: HookContext) => HookListener | Promise<HookListener>;
