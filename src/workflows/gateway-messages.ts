/**
 * What the world may say to a `gatewayLifecycle` workflow. Workflow id: `gateway/<gatewayId>`, which is also the task queue
 * that the gateway polls for activities; the workflow itself runs on the lifecycle workers.
 */
import { defineQuery, defineSignal } from "@temporalio/workflow";

export const gatewayLifecycleType = "gatewayLifecycle";
export function gatewayWorkflowId(gatewayId: string): string {
  return `gateway/${gatewayId}`;
}

/** A gateway process started (signalWithStart) and polls its task queue. The newest incarnation wins. */
export interface JoinedMessage {
  readonly incarnation: string;
  readonly version: string;
}
export const joinedSignal = defineSignal<[JoinedMessage]>("joined");

/** The gateway stops on purpose: its agents have been told or are about to lose it. */
export interface LeavingMessage {
  readonly incarnation: string;
  readonly reason: string;
}
export const leavingSignal = defineSignal<[LeavingMessage]>("leaving");

export interface GatewayView {
  readonly gatewayId: string;
  readonly state: "joined" | "lost" | "left";
  readonly incarnation?: string;
  readonly since: string;
}
export const gatewayStateQuery = defineQuery<GatewayView>("state");
