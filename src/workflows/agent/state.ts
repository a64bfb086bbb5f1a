/** All that an agent's lifecycle remembers, as plain JSON: it crosses continue-as-new as it is. */
import type { ResourceState, Status } from "../../api/index.ts";
import { emptyMailbox } from "../../lifecycle/mailbox-types.ts";
import type { AlertKind, LossCause } from "../../lifecycle/disconnect-types.ts";
import type { DisconnectRule } from "../../lifecycle/disconnect-rules.ts";
import type { Evacuation } from "../../lifecycle/evacuation-types.ts";
import type { MailboxState } from "../../lifecycle/mailbox-types.ts";
import type { Recurring } from "../../lifecycle/recurring-types.ts";
import type {
  DisconnectMessage,
  GatewayRef,
  HostDescription,
  LifecycleSettings,
} from "../agent-messages.ts";
import type { AgentEvent } from "../activity-types.ts";
import type { AskedInvestigator } from "../recovery-messages.ts";
import type { QueuedErrand } from "./errands.ts";

/** The session that the agent has, by the newest epoch. */
export interface Session extends GatewayRef {
  readonly epoch: number;
}

/** A session that was lost and not replaced yet. */
export interface Loss {
  readonly cause: LossCause;
  readonly atMs: number;
  readonly session: Session | null;
  /** The rule that decided last; absent in losses from before rules had names. */
  rule?: DisconnectRule;
  /** Who was asked in the newest round, and what each saw. */
  asked?: readonly AskedInvestigator[];
  /** Why a Down verdict is held back; undefined while none is. */
  braked?: string | undefined;
  /** When to ask the Investigators next; undefined when nobody is asked. In the past while they are being asked. */
  investigateAtMs: number | undefined;
  /** When waiting ends in Alert; undefined when it does not, or did. */
  alertAtMs: number | undefined;
  /** When the agent of a host that was declared Down was last asked to connect anew. */
  askedToReconnectAtMs?: number;
  /** The half-open socket of a silent agent is still open, so that the agent can be asked over it. */
  closeOnceAsked?: boolean;
}

interface LastVerdict {
  readonly investigator: string;
  readonly verdict: string;
  readonly evidence: string;
  readonly atMs: number;
}

export interface AgentState {
  readonly agentId: string;
  status: Status;
  statusReason: string;
  statusSinceMs: number;
  resourceState: ResourceState;
  /** Newest epoch ever heard of; 0 before the first session. */
  epoch: number;
  session: Session | null;
  /** The end of a session whose `connected` has not arrived yet. */
  endedEarly: DisconnectMessage | null;
  host: HostDescription | null;
  /** As the gateway handed them over at the last connect. */
  settings: LifecycleSettings;
  /** Set for this agent by an operator; stronger than `settings`. */
  own: Partial<Pick<LifecycleSettings, "pingIntervalMs" | "pingTimeoutMultiplier">>;
  lastPingAtMs: number | null;
  /** When silence becomes a time-out; null without a session. */
  pingDeadlineMs: number | null;
  /** What a resource last said was wrong with it. */
  unhealthy: string | null;
  loss: Loss | null;
  /** The alert that stands: raised once, cleared when the agent is back. */
  alert: AlertKind | null;
  lastVerdict: LastVerdict | null;
  mailbox: MailboxState;
  /** Pending Requests handed to the session of which nobody knows whether they were written. */
  redeliver: number[];
  /** When to hand over again what the gateway did not take; null when not planned. */
  deliverAgainAtMs: number | null;
  errands: QueuedErrand[];
  /** The newest evacuation for maintenance, under way or ended; absent before the first. */
  evacuation?: Evacuation | null;
  /** Number of the last evacuation. */
  evacuationNo?: number;
  /** A place of the cluster's may be held in Postgres. */
  slotHeld?: boolean;
  /** Where the last Unmanage came from, for Manage to go back to. */
  unmanagedFrom?: ResourceState;
  /** What the lifecycle sends by itself again and again; absent before the first. */
  recurring?: Recurring[];
  /** Numbers of the last event and the last errand. */
  eventNo: number;
  errandNo: number;
  /** Events that the read model has not confirmed yet, oldest first. */
  unrecorded: AgentEvent[];
  /** Until when events go by normal activity at once: the local one failed a short while ago. */
  recordNormallyUntilMs: number;
  /** Until when nothing is written: the read model refused. */
  recordPausedUntilMs: number;
}

/** DESIGN §5's times, for a workflow that nobody has told any yet. */
const defaultSettings: LifecycleSettings = {
  pingIntervalMs: 60_000,
  pingTimeoutMultiplier: 2.5,
  reconnectGraceMs: 5_000,
  alertWaitMs: 1_800_000,
  investigateRetryMs: 60_000,
};

/** The state of an agent that was never heard of. */
export function newAgentState(agentId: string, nowMs: number): AgentState {
  return {
    agentId,
    status: "Creating",
    statusReason: "not connected yet",
    statusSinceMs: nowMs,
    resourceState: "Creating",
    epoch: 0,
    session: null,
    endedEarly: null,
    host: null,
    settings: defaultSettings,
    own: {},
    lastPingAtMs: null,
    pingDeadlineMs: null,
    unhealthy: null,
    loss: null,
    alert: null,
    lastVerdict: null,
    mailbox: emptyMailbox(),
    redeliver: [],
    deliverAgainAtMs: null,
    errands: [],
    eventNo: 0,
    errandNo: 0,
    unrecorded: [],
    recordNormallyUntilMs: 0,
    recordPausedUntilMs: 0,
  };
}

/** The settings that count: the fleet's, overridden by the agent's own. */
export function effectiveSettings(state: AgentState): LifecycleSettings {
  return { ...state.settings, ...state.own };
}
