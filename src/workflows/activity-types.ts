/**
 * The activities that workflows ask for, by where they run. Types only: the sandbox never sees an implementation.
 */
import type {
  Answer,
  CheckOnHostAnswer,
  Finding,
  HostToCheck,
  ResourceState,
  Status,
} from "../api/index.ts";
import type { BrakeAnswer } from "../lifecycle/disconnect-types.ts";
import type { FleetGateway } from "../lifecycle/drains.ts";
import type { EvacuationProgress } from "../lifecycle/evacuation-progress.ts";
import type { Destination } from "../lifecycle/evacuation-types.ts";
import type {
  DurableRequest,
  GatewayRef,
  HostDescription,
  LifecycleSettings,
} from "./agent-messages.ts";
import type { HostRecovery, Workload } from "./recovery-messages.ts";

/** Run by the gateway that is asked, on `gateway/<gatewayId>`. All are idempotent. */
export interface GatewayActivities {
  /** Writes Requests to the socket of session `epoch`; says for each whether it was written. */
  deliver(args: {
    agentId: string;
    epoch: number;
    requests: readonly DurableRequest[];
  }): Promise<{ readonly written: readonly number[]; readonly notWritten: readonly number[] }>;
  /** Hands the settled Answers of a Request to the caller that waits at this gateway, if it still does. */
  reply(args: {
    agentId: string;
    requestId: string;
    seq: number;
    answers: readonly Answer[];
  }): Promise<void>;
  /** Asks the agent to stop a Request that it may be running. */
  cancelRequest(args: {
    agentId: string;
    epoch: number;
    seq: number;
    reason: string;
  }): Promise<void>;
  /** "Silent for you too?" `heldHere: false` when this gateway does not hold that session. */
  silence(args: { agentId: string; epoch: number }): Promise<{
    readonly heldHere: boolean;
    readonly lastPingAgoMs?: number;
    readonly vouchForMs?: number;
  }>;
  /** Closes the socket of that session (half open, removed, asked to reconnect); nothing when it is not here. */
  closeSession(args: {
    agentId: string;
    epoch: number;
    why: "silent" | "removed" | "reconnect";
    details: string;
  }): Promise<void>;
  /** Tells the session its new ping settings; the agent learns them with its next PingAnswer. */
  applySettings(args: {
    agentId: string;
    epoch: number;
    settings: LifecycleSettings;
  }): Promise<void>;
  /** Investigator `agent`: asks the agent over its socket (CheckHealth). */
  investigateByAgent(args: InvestigateArgs): Promise<Finding>;
  /** Asks the agent `agentId` of this gateway what it sees of a lost host (CheckOnHost); gives its Answer, which is foreign. */
  askNeighbour(args: {
    agentId: string;
    host: HostToCheck;
    timeoutMs: number;
  }): Promise<CheckOnHostAnswer>;
  /**
   * Held for as long as this incarnation of the gateway lives; heartbeaten by the loop that judges silence. May be asked
   * for again while an earlier call still runs (its heartbeats were late, or Temporal was away): the newest call counts.
   */
  holdLease(args: { incarnation: string }): Promise<void>;
  /**
   * Has agents of this run of the gateway move to others, no more of them in a second than that, for so long at most. Each
   * opens its new session before it ends the old one. Heartbeats; what was begun is seen through when it is cancelled.
   */
  moveAgents(args: MoveAgentsArgs): Promise<MovedAgents>;
}

export interface MoveAgentsArgs {
  readonly incarnation: string;
  readonly moves: readonly {
    readonly to: string;
    /** Where agents dial that gateway. */
    readonly agentUrl: string;
    readonly cluster: string;
    readonly agents: number;
  }[];
  readonly agentsPerSecond: number;
  readonly forMs: number;
}

export interface MovedAgents {
  readonly moved: number;
  /** Agents that stayed: they could not reach the other gateway, or do not know how to move. */
  readonly failed: number;
}

/** A question about a lost host. Each Investigator is an activity of its own, `investigateBy<Name>`, that takes this. */
export interface InvestigateArgs {
  readonly agentId: string;
  readonly epoch: number;
  readonly host: HostDescription;
  /** How long the Investigator may take. Absent: from a lifecycle of an earlier release. */
  readonly timeoutMs?: number;
}

/** A host that may be asked about a lost one, and the gateway that holds its session. */
export interface Neighbour {
  readonly agentId: string;
  readonly gatewayId: string;
}

/** Run by workers, on `muster-activities`, except `recordAgent`, which lifecycle workers run as a local activity first. */
export interface WorkerActivities {
  /** Writes the read model of one agent and appends its events; idempotent by event number. */
  recordAgent(record: AgentRecord): Promise<void>;
  /** Up agents of the lost host's cluster that may be asked about it, never itself; others each time where there are more. */
  findNeighbours(args: {
    agentId: string;
    zone: string;
    cluster: string;
    atMost: number;
  }): Promise<readonly Neighbour[]>;
  /** Whether Down is held back at the host's cluster or zone, because so much of it is lost; keeps the brakes' state. */
  askBrake(args: { agentId: string; zone: string; cluster: string }): Promise<BrakeAnswer>;
  /** Records the recovery of a host, once for each loss; gives what last ran on it. */
  recordRecovery(recovery: HostRecovery): Promise<{ readonly workloads: readonly Workload[] }>;
  /**
   * Takes a place among the hosts of a cluster that are prepared for maintenance, if one of the `perCluster` (0: any
   * number) is free; asking again gives the same. `heldBy` names the hosts that hold them.
   */
  claimMaintenance(args: {
    agentId: string;
    zone: string;
    cluster: string;
    perCluster: number;
  }): Promise<{ readonly claimed: boolean; readonly heldBy: readonly string[] }>;
  /** Gives the place back; nothing when there is none. */
  releaseMaintenance(args: { agentId: string }): Promise<void>;
  /** The other hosts of the cluster that are Up, Enabled and take machines. */
  findDestinations(args: {
    agentId: string;
    zone: string;
    cluster: string;
  }): Promise<readonly Destination[]>;
  /** The gateways and how many agents of which cluster each holds. */
  readFleet(): Promise<readonly FleetGateway[]>;
  /** Marks in its row whether that run of a gateway is being emptied: then it takes no agents that could go elsewhere. */
  markDraining(args: { gateway: GatewayRef; draining: boolean }): Promise<void>;
  /** Marks a gateway's row, if it still is of that incarnation. */
  recordGateway(args: {
    gateway: GatewayRef;
    state: "joined" | "lost" | "left";
    reason: string;
  }): Promise<void>;
  /** Signals `gatewayLost` to every agent whose session was on that incarnation, in paced batches; heartbeats. */
  tellAgentsGatewayLost(args: {
    gateway: GatewayRef;
    reason: string;
  }): Promise<{ readonly told: number }>;
}

/** Run by workers, on `muster-webhooks`: a delivery waits for its endpoint, and must hold up nothing else. */
export interface WebhookActivities {
  /** Delivers what there is and what comes, for a good while; heartbeats. Returns when somebody has to decide. */
  deliverWebhook(args: { webhookId: string }): Promise<DeliveryRound>;
  /** Sends one test message, whether deliveries are paused or not. Tries once. */
  testWebhook(args: { webhookId: string }): Promise<WebhookTestResult>;
}

/** How a round of deliveries ended. */
export type DeliveryRound =
  /** Ask again: the round was long enough, or its worker stops. */
  | { readonly state: "goOn"; readonly delivered: number }
  /** The endpoint refuses: wait until an operator resumes it. */
  | { readonly state: "paused"; readonly reason: string }
  | { readonly state: "removed" };

export interface WebhookTestResult {
  readonly accepted: boolean;
  /** HTTP status; absent when there was no answer. */
  readonly status?: number;
  readonly tookMs: number;
  /** In one sentence. */
  readonly details: string;
}

/** The read model's row of an agent, with the events that led to it. */
export interface AgentRecord {
  readonly agentId: string;
  readonly status: Status;
  readonly statusReason: string;
  readonly statusSinceMs: number;
  readonly resourceState: ResourceState;
  /** Session that the row stands for; the row keeps a newer epoch's gateway. */
  readonly epoch: number;
  readonly session: GatewayRef | null;
  /** The agent's own ping settings, when an operator set them. */
  readonly pingIntervalMs?: number;
  readonly pingTimeoutMultiplier?: number;
  /** Since when the present loss lasts, when it matters: nobody expects it. */
  readonly lostAtMs?: number;
  /** A Down verdict is held back. */
  readonly braked?: boolean;
  /** How far the host's evacuation is, while it is in or on its way to maintenance. */
  readonly maintenance?: EvacuationProgress;
  readonly events: readonly AgentEvent[];
}

/** One line of an agent's history; `no` counts for the agent's life and makes the append idempotent. */
export interface AgentEvent {
  readonly no: number;
  readonly atMs: number;
  readonly epoch: number;
  readonly type: AgentEventType;
  /** One sentence for operators. */
  readonly text: string;
  readonly data?: Readonly<Record<string, unknown>>;
}
/** Append only: outside code matches on these. */
export const agentEventTypes = [
  "connected",
  "disconnected",
  "status",
  "resourceState",
  "refused",
  "pingTimeoutAsked",
  "investigation",
  "verdict",
  "alertRaised",
  "alertCleared",
  "unhealthy",
  "healthy",
  "lateAnswer",
  "requestExpired",
  "requestCancelled",
  "configured",
  "gatewayLost",
  "messageIgnored",
  "braked",
  "brakeReleased",
  "recoveryCalled",
  "handshakeRefused",
  "evacuation",
  "recurringAdded",
  "recurringRemoved",
  "recurringFailed",
  "recurringSucceeded",
] as const;
export type AgentEventType = (typeof agentEventTypes)[number];
