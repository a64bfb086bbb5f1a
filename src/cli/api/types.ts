/** What the operator API gives, as JSON. Written down in its `openapi.json`. */
import type { Answer, ResourceState, Status } from "../../api/index.ts";
import type { AgentView, RequestView, VerbResult } from "../../workflows/agent-messages.ts";

export type { VerbResult };

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
}
export interface AgentsPage {
  readonly agents: readonly AgentJson[];
  readonly next?: string | null;
}
export interface AgentDetails extends AgentJson {
  /** What the agent's workflow believes now; null when it can't be asked. */
  readonly lifecycle?: AgentView | null;
  readonly stale?: readonly { readonly part: string; readonly reason: string }[];
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
export interface RequestJson extends RequestView {
  readonly agentId: string;
}
export interface CancelJson {
  readonly requestId: string;
  readonly agentId: string;
  readonly result: "cancelled" | "asked" | "settled";
}
export interface GatewayJson {
  readonly id: string;
  readonly version: string;
  readonly agentUrl: string;
  readonly apiUrl: string;
  readonly state: string;
  readonly stateReason: string;
  readonly startedAt: string;
  readonly stateSince: string;
  readonly agents: number;
}
export interface GatewaysJson {
  readonly gateways: readonly GatewayJson[];
}
