/**
 * What the world may say to an `agentLifecycle` workflow. One definition for workflow, gateway, CLI and tests.
 * Workflow id: `agent/<agentId>`. Only durations cross process borders, never clock readings.
 */
import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
import type {
  Answer,
  CommandTraits,
  EvacuationPolicy,
  ResourceState,
  ShutdownReason,
  Status,
  WireCommand,
} from "../api/index.ts";
import type { AskedInvestigator } from "./recovery-messages.ts";
import type { EvacuationProgress } from "../lifecycle/evacuation-progress.ts";
import type { RecurringOrder } from "../lifecycle/recurring-types.ts";

export const agentLifecycleType = "agentLifecycle";
export const lifecycleTaskQueue = "muster-lifecycle";
export const activitiesTaskQueue = "muster-activities";
export function agentWorkflowId(agentId: string): string {
  return `agent/${agentId}`;
}
export function gatewayTaskQueue(gatewayId: string): string {
  return `gateway/${gatewayId}`;
}

/** One start of a gateway process: the id is its place in the cluster, the incarnation this run of it. */
export interface GatewayRef {
  readonly gatewayId: string;
  readonly incarnation: string;
}

/** Times the lifecycle goes by; the gateway hands them over at each connect (fleet defaults plus the agent's own). */
export interface LifecycleSettings {
  readonly pingIntervalMs: number;
  /** Silence of this many intervals is a time-out. */
  readonly pingTimeoutMultiplier: number;
  /** How long a lost socket may take to come back before anybody is asked. */
  readonly reconnectGraceMs: number;
  /** From the loss to Alert. */
  readonly alertWaitMs: number;
  /** Between two investigations of the same loss. */
  readonly investigateRetryMs: number;
  /** Whom to ask about a lost host, in this order. Absent (a gateway of an earlier release): `agent`, then `ping`. */
  readonly investigators?: readonly InvestigatorSetting[];
  /** Neighbours that are asked about one lost host. Absent: 3. */
  readonly neighboursAsked?: number;
  /** What becomes of the machines of a host that enters maintenance, when its operator says nothing else. */
  readonly evacuationPolicy?: EvacuationPolicy;
  /** How long emptying a host may take, when its operator says nothing else. */
  readonly maintenanceDeadlineMs?: number;
  /** Hosts of one cluster that may be prepared for maintenance at once; 0 means any number. */
  readonly maintenancePerCluster?: number;
}

/** One Investigator, and how long it may take. */
export interface InvestigatorSetting {
  readonly name: string;
  readonly timeoutMs: number;
}

/** What an agent said of itself at connect. */
export interface HostDescription {
  readonly zone: string;
  readonly cluster: string;
  readonly resourceType: string;
  readonly software: string;
  readonly address?: string;
  readonly probePorts?: readonly number[];
  /** What its resources say of themselves, for Investigators and for people; a resource's fact of a name comes first. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
  /** The `destination` of MigrateVm that moves a machine to this host; absent: nothing can be moved here. */
  readonly migrateTo?: string;
  readonly resources: readonly {
    readonly name: string;
    readonly resourceType: string;
    readonly version: string;
  }[];
  readonly commandTypes?: Readonly<Record<string, CommandTraits>>;
}

/** A new session was accepted: identity proven, admitted, epoch taken. Sent with signalWithStart. */
export interface ConnectedMessage {
  readonly epoch: number;
  readonly gateway: GatewayRef;
  readonly host: HostDescription;
  readonly settings: LifecycleSettings;
  /** The gateway watches the agent by itself for so long from now on (DESIGN §3); the connect counts as a ping. Absent: 0. */
  readonly vouchForMs?: number;
}
export const connectedSignal = defineSignal<[ConnectedMessage]>("connected");

/** The agent pinged `lastPingAgoMs` ago; its gateway watches it for `vouchForMs` more by itself (DESIGN §3). */
export interface PingMessage {
  readonly epoch: number;
  readonly lastPingAgoMs: number;
  readonly vouchForMs: number;
  /** One line for operators when a resource says that it is unhealthy. */
  readonly unhealthy?: string;
}
export const pingSignal = defineSignal<[PingMessage]>("ping");

/** Answers of the agent to the durable Request `seq`, by whatever gateway and session. */
export interface AnswerMessage {
  readonly seq: number;
  readonly answers: readonly Answer[];
  readonly gateway: GatewayRef;
}
export const answerSignal = defineSignal<[AnswerMessage]>("answer");

/**
 * Answers that are there while the Request `seq` goes on. They are shown, and stand in for the missing Response when the
 * Request ends without one.
 */
export interface ProgressMessage {
  readonly seq: number;
  readonly answers: readonly Answer[];
}
export const progressSignal = defineSignal<[ProgressMessage]>("progress");

/** These Requests, given to this gateway to deliver, were certainly not written to the agent's socket. */
export interface UndeliveredMessage {
  readonly epoch: number;
  readonly seqs: readonly number[];
  readonly reason: string;
}
export const undeliveredSignal = defineSignal<[UndeliveredMessage]>("undelivered");

/** Why a session ended, as its gateway saw it (DESIGN §5). */
export type DisconnectCause =
  | { readonly type: "goodbye"; readonly reason: ShutdownReason; readonly details?: string }
  | { readonly type: "socketLost"; readonly details: string }
  | { readonly type: "pingTimeout"; readonly silentForMs: number }
  | { readonly type: "handshakeFailed"; readonly details: string; readonly retryable: boolean }
  | { readonly type: "reconnectAsked"; readonly by: string };

/** A session was lost. A message of an old epoch changes nothing. */
export interface DisconnectMessage {
  readonly epoch: number;
  readonly cause: DisconnectCause;
}
export const disconnectSignal = defineSignal<[DisconnectMessage]>("disconnect");

/**
 * A gateway did not admit the agent, which is registered and has proven who it is. It is no end of a session: the agent
 * may have one elsewhere.
 */
export interface RefusedMessage {
  /** As in the StartupAnswer. */
  readonly code: string;
  /** What is wrong and what to change. */
  readonly details: string;
  /** It may be admitted later though nobody changes anything. */
  readonly retryable: boolean;
}
export const refusedSignal = defineSignal<[RefusedMessage]>("refused");

/** A run of a gateway is gone, with all its sessions. Changes nothing for agents that have moved on. */
export interface GatewayLostMessage {
  readonly gateway: GatewayRef;
  readonly reason: string;
}
export const gatewayLostSignal = defineSignal<[GatewayLostMessage]>("gatewayLost");

/** Who waits for the Answers of a Request beside the gateway that admitted it. */
export type ReplyTo =
  | { readonly type: "workflow"; readonly workflowId: string; readonly signal: string }
  | { readonly type: "gateway"; readonly gatewayId: string };

/** What the signal of a waiting workflow carries: one Answer for each Command, in order. */
export interface RequestAnswers {
  readonly agentId: string;
  readonly requestId: string;
  readonly seq: number;
  readonly answers: readonly Answer[];
}

/** A Request of a caller. Admitting the same `requestId` again gives the same Request. */
export interface AdmitMessage {
  readonly requestId: string;
  readonly commands: readonly WireCommand[];
  readonly onError: "stop" | "continue";
  /** Absent: the largest of the Command types' own waits. */
  readonly waitSeconds?: number;
  /**
   * The session that the asking gateway holds. When it is the current one, that gateway writes the Request itself
   * (`deliver: "caller"`); otherwise the workflow hands it to the owner.
   */
  readonly via?: GatewayRef & { readonly epoch: number };
  readonly replyTo?: ReplyTo;
  /** The caller wants to hear of each Answer as it comes. */
  readonly progress?: boolean;
  /** The request id was noted so long ago for the first time: this is a repetition. Absent: it never was. */
  readonly repeatAgoMs?: number;
  /** Refuse it with `ToBeSealed` when fields that the agent declared secret are in clear, as for gateways. */
  readonly refuseInClear?: boolean;
}

/** The fields of an admitted Request as the agent gets them; ordered by `seq`. */
export interface DurableRequest {
  readonly requestId: string;
  readonly seq: number;
  readonly commands: readonly WireCommand[];
  readonly onError: "stop" | "continue";
  readonly inSequence: boolean;
  readonly after?: { readonly seq: number; readonly withinMs: number };
  readonly alsoAfter?: readonly { readonly seq: number; readonly withinMs: number }[];
  /** It was certainly given to no session before, nor was one with a later number. */
  readonly fresh?: boolean;
  /** The first session that may have had it before; -1: one that is not remembered. Absent where `fresh` is true. */
  readonly firstHandedEpoch?: number;
  readonly waitMs: number;
  readonly progress?: boolean;
  /** Why the Request was cancelled while a session may have had it: Cancel is sent right behind it. */
  readonly cancelled?: string;
}

/** An AdmitMessage as callers in other languages may write it; null stands for absent, too. */
export interface BareAdmitMessage extends Omit<AdmitMessage, "requestId" | "commands" | "onError"> {
  /** Absent: the Update's id. */
  readonly requestId?: string;
  readonly commands: readonly {
    readonly type: string;
    /** Absent: made of the request id and the Command's place. */
    readonly id?: string;
    readonly [field: string]: unknown;
  }[];
  /** Absent: `stop`. */
  readonly onError?: "stop" | "continue";
}

/** `requestId` is absent in results of earlier releases. */
export type AdmitResult =
  /** The asking gateway writes it to its socket. */
  | { readonly state: "pending"; readonly deliver: "caller"; readonly request: DurableRequest }
  /** The workflow hands it to the owner, now or when the agent returns. */
  | {
      readonly state: "pending";
      readonly deliver: "workflow";
      readonly requestId?: string;
      readonly seq: number;
      readonly waitMs: number;
    }
  /** This request id was admitted before and has its Answers. */
  | {
      readonly state: "settled";
      readonly requestId?: string;
      readonly seq: number;
      readonly answers: readonly Answer[];
    };
/**
 * Refused by the validator with an ApplicationFailure whose `type` is one of `AdmitRefusal`. While the workflow renews its
 * history it may fail with gRPC FAILED_PRECONDITION ("unexpected workflow task failure"): nothing was admitted then; ask
 * again with the same update id.
 */
export const admitUpdate = defineUpdate<AdmitResult, [BareAdmitMessage]>("admit");

/**
 * Detail of an INVALID_REQUEST: a gateway, or a caller with `refuseInClear`, brought fields in clear that the agent declared
 * secret. The same Request may be brought again with these fields of each Command type sealed.
 */
export interface ToBeSealed {
  readonly secretFields: Readonly<Record<string, readonly string[]>>;
}

/** Why a Request was refused before anything was recorded. */
export type AdmitRefusal =
  | "RESOURCE_STATE"
  | "MAILBOX_FULL"
  | "INVALID_REQUEST"
  | "DUPLICATE_COMMAND_ID"
  /** A repetition of something that is older than what the lifecycle remembers: it may have run. */
  | "REQUEST_FORGOTTEN"
  | "REMOVED";

/** Cancels a Request; each of its Commands still gets exactly one Answer. */
export interface CancelMessage {
  readonly requestId: string;
  readonly reason: string;
}
/**
 * `cancelled`: nothing was sent. `asked`: the agent may have it and is asked, now or when it is back; asking again is the
 * same asking. `settled`: it had its Answers. `unknown`: no such Request is known (any more).
 */
export type CancelResult = "cancelled" | "asked" | "settled" | "unknown";
export const cancelUpdate = defineUpdate<
  CancelResult,
  [Pick<CancelMessage, "requestId"> & Partial<CancelMessage>]
>("cancel");

/** Who asks, for the event log. Everything is optional so that a bare signal from the Temporal UI works. */
export interface OperatorMessage {
  readonly by?: string;
  readonly reason?: string;
}
/** `enterMaintenance` takes these beside; absent fields are the fleet's. */
export interface EnterMaintenanceMessage extends OperatorMessage {
  readonly policy?: EvacuationPolicy;
  readonly deadlineMs?: number;
}
export const operatorVerbs = [
  "enterMaintenance",
  "cancelMaintenance",
  "enable",
  "disable",
  "unmanage",
  "manage",
  "reconnect",
  "remove",
] as const;
export type OperatorVerb = (typeof operatorVerbs)[number];

/** What a verb did. */
export interface VerbResult {
  readonly status: Status;
  readonly resourceState: ResourceState;
  readonly details: string;
}
/** The same names as signals (never refused aloud: logged) and as Updates (validated, with a result). */
export const operatorSignals = Object.fromEntries(
  operatorVerbs.map((verb) => [verb, defineSignal<[EnterMaintenanceMessage?]>(verb)]),
) as Record<OperatorVerb, ReturnType<typeof defineSignal<[EnterMaintenanceMessage?]>>>;
export const operatorUpdates = Object.fromEntries(
  operatorVerbs.map((verb) => [verb, defineUpdate<VerbResult, [EnterMaintenanceMessage]>(verb)]),
) as Record<OperatorVerb, ReturnType<typeof defineUpdate<VerbResult, [EnterMaintenanceMessage]>>>;

/** Changes the ping settings of one agent. */
export interface ConfigureMessage extends OperatorMessage {
  readonly pingIntervalMs?: number;
  readonly pingTimeoutMultiplier?: number;
}
export const configureUpdate = defineUpdate<VerbResult, [ConfigureMessage]>("configure");

/** What the workflow believes, for `GET agents/:id` and the Temporal UI. Durations, not clock readings, except `…At` for people. */
export interface AgentView {
  readonly agentId: string;
  readonly status: Status;
  readonly resourceState: ResourceState;
  /** ISO time since when, and why, in words. */
  readonly statusSince: string;
  readonly statusReason: string;
  readonly epoch: number;
  readonly session?: GatewayRef & { readonly epoch: number };
  readonly host?: HostDescription;
  readonly settings: LifecycleSettings;
  readonly lastPingAt?: string;
  readonly pendingRequests: number;
  /** The loss that lasts; absent while the agent has a session. */
  readonly loss?: {
    readonly since: string;
    /** Name of the rule that decided last. */
    readonly rule?: string;
    readonly asked: readonly AskedInvestigator[];
    readonly nextInvestigationAt?: string;
    readonly alertAt?: string;
    /** Why a Down verdict is held back. */
    readonly braked?: string;
  };
  readonly lastVerdict?: {
    readonly investigator: string;
    readonly verdict: string;
    readonly evidence: string;
    readonly at: string;
  };
  /** The newest evacuation for maintenance, under way or ended; absent when the host was never emptied. */
  readonly maintenance?: EvacuationProgress;
}
export const stateQuery = defineQuery<AgentView>("state");

/** A Request and what became of it. */
export interface RequestView {
  readonly requestId: string;
  readonly seq: number;
  readonly state: "pending" | "settled";
  /** Whether it was handed to a gateway since it was admitted. */
  readonly handed: boolean;
  readonly commands: readonly { readonly id: string; readonly type: string }[];
  readonly answers?: readonly Answer[];
  /** While it is pending: the Answers that are there already. */
  readonly progress?: readonly Answer[];
  /** While it is pending: how long its caller still waits. */
  readonly waitLeftMs?: number;
  /** While it is pending and has secrets: ids of the payload keys that they are sealed with. */
  readonly sealedWith?: readonly string[];
}
/** All pending Requests, oldest first. */
export const pendingQuery = defineQuery<readonly RequestView[]>("pending");
/** One Request, pending or among the last finished; null when not known (any more). */
export const requestQuery = defineQuery<RequestView | null, [string]>("request");

/**
 * Commands that the lifecycle sends again and again, by itself (the original's CronCommand). A name is one recurring Request:
 * adding it again replaces it, and the very same changes nothing.
 */
export interface AddRecurringMessage extends Omit<RecurringOrder, "onError"> {
  /** Absent: `stop`. */
  readonly onError?: "stop" | "continue";
  readonly by?: string;
}
/** Refused by the validator with an ApplicationFailure whose `type` is one of `RecurringRefusal`. */
export const addRecurringUpdate = defineUpdate<RecurringView, [AddRecurringMessage]>(
  "addRecurring",
);

export interface RemoveRecurringMessage {
  readonly name: string;
  readonly by?: string;
}
export const removeRecurringUpdate = defineUpdate<
  { readonly removed: boolean },
  [RemoveRecurringMessage]
>("removeRecurring");

/** A recurring Request and how its runs fare. */
export interface RecurringView extends RecurringOrder {
  /** ISO time of the next run. */
  readonly nextAt: string;
  /** Runs so far, and those of them with a Command that did not succeed. */
  readonly runs: number;
  readonly failed: number;
  /**
   * Turns that were left out: the run before still went on, the agent was away, its ResourceState forbade it, its mailbox
   * was full, or nobody was there to take them in time.
   */
  readonly skipped: number;
  readonly lastRun?: {
    readonly requestId: string;
    readonly at: string;
    /** Absent while it goes on. */
    readonly answers?: readonly Answer[];
  };
  readonly lastSkip?: { readonly at: string; readonly reason: string };
}
/** Why a recurring Request was refused. */
export type RecurringRefusal = "INVALID_REQUEST" | "TOO_MANY_RECURRING" | "REMOVED";
export const recurringQuery = defineQuery<readonly RecurringView[]>("recurring");
