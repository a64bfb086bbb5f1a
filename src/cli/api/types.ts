/** What the operator API gives, as JSON. Written down in its `openapi.json`. */
import type { Answer, PowerState, ResourceState, Status } from "../../api/index.ts";
import type {
  AgentView,
  RecurringView,
  RequestView,
  VerbResult,
} from "../../workflows/agent-messages.ts";
import type { AskedInvestigator, Workload } from "../../workflows/recovery-messages.ts";

export type { VerbResult };
export type EvacuationProgress = NonNullable<AgentView["maintenance"]>;

/** Why an agent's last handshake was refused. */
export interface AgentRefusal {
  readonly code: string;
  readonly reason: string;
  readonly peer: string;
  readonly gatewayId: string;
  readonly zone: string;
  readonly cluster: string;
  readonly resourceType: string;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly count: number;
}
export interface RefusalJson extends AgentRefusal {
  readonly agentId: string;
  readonly registered: boolean;
}
export interface RefusalsPage {
  readonly refusals: readonly RefusalJson[];
  readonly next?: string | null;
}
export interface AgentJson {
  readonly id: string;
  readonly zone: string;
  readonly cluster: string;
  readonly resourceType: string;
  readonly status: Status;
  readonly statusReason: string;
  readonly statusSince: string;
  readonly resourceState: ResourceState;
  readonly host: unknown;
  readonly gatewayId: string | null;
  readonly epoch: number | null;
  readonly connectedAt: string | null;
  readonly braked?: boolean;
  readonly refusal?: AgentRefusal | null;
}
/** A direct agent as it was declared; its secrets are masked. */
export interface DirectAgentJson {
  readonly id: string;
  readonly zone: string;
  readonly cluster: string;
  readonly resource: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly declaredAt: string;
  readonly gatewayId: string | null;
  readonly claimedAt: string | null;
  readonly trouble: string | null;
}
export interface DirectAgentsPage {
  readonly directAgents: readonly DirectAgentJson[];
  readonly next: string | null;
}
export interface AgentsPage {
  readonly agents: readonly AgentJson[];
  readonly next?: string | null;
}
export interface AgentDetails extends AgentJson {
  /** What runs on the host, by its agent's pings. */
  readonly inventory?: {
    readonly workloads: readonly {
      readonly resource: string;
      readonly name: string;
      readonly power: PowerState;
    }[];
    readonly at: string;
  } | null;
  /** What the agent's workflow believes now; null when it can't be asked. */
  readonly lifecycle?: AgentView | null;
  readonly stale?: readonly { readonly part: string; readonly reason: string }[];
}
interface StepJson {
  readonly at: string;
  readonly text: string;
}
interface DecidedJson extends StepJson {
  readonly rule?: string;
  readonly ruleText?: string;
}
/** The newest loss of an agent; null when it was never lost. */
export interface WhyJson {
  readonly loss: {
    readonly lost: DecidedJson & { readonly epoch: number; readonly gatewayId?: string };
    readonly asked: readonly {
      readonly at: string;
      readonly investigator: string;
      readonly verdict: string;
      readonly evidence: string;
      readonly proof?: string;
      readonly tookMs?: number;
    }[];
    readonly rounds: number;
    readonly decided: DecidedJson | null;
    readonly done: readonly StepJson[];
    readonly ended: StepJson | null;
  } | null;
}
export interface BrakeJson {
  readonly zone: string;
  /** Empty for the whole zone. */
  readonly cluster: string;
  readonly since: string | null;
  readonly reason: string;
  readonly releasedUntil: string | null;
  readonly releasedBy: string | null;
}
export interface BrakesJson {
  readonly brakes: readonly BrakeJson[];
}
export interface RecoveryJson {
  readonly agentId: string;
  readonly epoch: number;
  readonly downAt: string;
  readonly evidence: readonly AskedInvestigator[];
  readonly workloads: readonly Workload[];
}
export interface RecoveriesJson {
  readonly recoveries: readonly RecoveryJson[];
}
export interface EventJson {
  readonly id: number;
  readonly agentId: string;
  readonly no: number;
  readonly at: string;
  readonly epoch: number;
  readonly type: string;
  readonly text: string;
  readonly data?: unknown;
}
export interface EventsJson {
  readonly events: readonly EventJson[];
}
export interface CommandsResult {
  readonly requestId: string;
  readonly answers: readonly Answer[];
}
/** What a Request gets that nobody waits for. */
export interface SubmitJson {
  readonly requestId: string;
  readonly seq: number;
  readonly state: "pending" | "settled";
  readonly waitMs: number;
  readonly answers?: readonly Answer[];
}
/** What `maintenance enter --dry-run` gets. */
export interface MaintenancePlanJson {
  readonly agentId: string;
  readonly status: Status;
  readonly resourceState: ResourceState;
  readonly policy: string;
  readonly deadlineSeconds: number;
  readonly blockers: readonly { readonly code: string; readonly detail: string }[];
  readonly vms: readonly {
    readonly vm: string;
    readonly resource: string;
    readonly action: "migrate" | "stop" | "none";
    readonly destination?: string;
    readonly detail?: string;
  }[];
}
export interface RequestJson extends RequestView {
  readonly agentId: string;
}
export interface CancelJson {
  readonly requestId: string;
  readonly agentId: string;
  readonly result: "cancelled" | "asked" | "settled";
}
export type RecurringJson = RecurringView;
export interface RecurringListJson {
  readonly recurring: readonly RecurringJson[];
}
export interface GatewayJson {
  readonly id: string;
  readonly version: string;
  readonly agentUrl: string;
  readonly apiUrl: string;
  readonly state: string;
  /** Absent: the gateway that answers is of the first release. */
  readonly standing?: string;
  readonly stateReason: string;
  readonly startedAt: string;
  readonly stateSince: string;
  readonly weight: number;
  readonly draining: boolean;
  readonly agents: number;
  readonly leaseAgoMs?: number | null;
  readonly lagMs?: number | null;
  readonly requestsPerSecond?: number | null;
}
/** How a drain of a gateway fares. */
export interface DrainJson {
  readonly gatewayId: string;
  readonly state: "draining" | "paused" | "drained" | "cancelled" | "gone";
  readonly agentsPerSecond: number;
  readonly total: number;
  readonly moved: number;
  readonly failed: number;
  readonly left: number;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly etaSeconds?: number;
  readonly reason?: string;
}
export interface GatewaysJson {
  readonly gateways: readonly GatewayJson[];
}
export interface ZoneJson {
  readonly name: string;
  readonly learnt: boolean;
  readonly declaredAt: string;
  readonly clusters: number;
  readonly agents: number;
}
export interface ZonesJson {
  readonly zones: readonly ZoneJson[];
}
export interface ClusterJson {
  readonly zone: string;
  readonly name: string;
  readonly resourceType: string;
  readonly learnt: boolean;
  readonly declaredAt: string;
  readonly agents: number;
}
export interface ClustersJson {
  readonly clusters: readonly ClusterJson[];
}
export interface RemovedJson {
  readonly removed: string;
}
export interface WebhookJson {
  readonly id: string;
  readonly url: string;
  /** null: all. */
  readonly types: readonly string[] | null;
  readonly state: "delivering" | "failing" | "paused";
  readonly cursorId: number;
  readonly createdAt: string;
  readonly deliveredAt: string | null;
  readonly failures: number;
  readonly lastError: string | null;
  readonly pausedAt: string | null;
}
export interface WebhooksJson {
  readonly webhooks: readonly WebhookJson[];
}
export interface NewWebhookJson extends WebhookJson {
  readonly secret: string;
}
export interface WebhookTestJson {
  readonly accepted: boolean;
  readonly status?: number;
  readonly tookMs: number;
  readonly details: string;
}
