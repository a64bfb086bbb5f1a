/**
 * How the lifecycle workflows are started, for whoever starts them: options for `signalWithStart`, except the signal.
 */
import {
  SearchAttributeType,
  TypedSearchAttributes,
  WorkflowIdReusePolicy,
  defineSearchAttributeKey,
} from "@temporalio/common";
import { agentWorkflowId, lifecycleTaskQueue } from "./agent-messages.ts";
import type { ConnectedMessage } from "./agent-messages.ts";
import { balancerWorkflowId } from "./balancer-messages.ts";
import { gatewayWorkflowId } from "./gateway-messages.ts";
import { webhookWorkflowId, type WebhookInput } from "./webhook-messages.ts";

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

/** What operators search agents by. `muster setup` creates them, all of type Keyword. */
export const searchAttributeKeys = {
  status: keyword("MusterStatus"),
  resourceState: keyword("MusterResourceState"),
  zone: keyword("MusterZone"),
  cluster: keyword("MusterCluster"),
  gateway: keyword("MusterGateway"),
  resourceType: keyword("MusterResourceType"),
} as const;

/** Names of the search attributes that must exist in the namespace. */
export const searchAttributeNames: readonly string[] = Object.values(searchAttributeKeys).map(
  (key) => key.name,
);

/**
 * Start options of an agent's lifecycle workflow, for the `connected` that starts it. The search attributes are those
 * that it will have once it has read that message, so that it needs no event to set them.
 */
export function agentStartOptions(agentId: string, connected: ConnectedMessage) {
  const { host, gateway } = connected;
  return {
    workflowId: agentWorkflowId(agentId),
    taskQueue: lifecycleTaskQueue,
    // Removed agents end their workflow for good; one that was terminated by hand may start anew.
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    staticSummary: `${host.resourceType} host ${agentId} in ${host.zone}/${host.cluster}`.slice(
      0,
      summaryCharsMax,
    ),
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributeKeys.status, value: "Up" },
      { key: searchAttributeKeys.resourceState, value: "Enabled" },
      { key: searchAttributeKeys.zone, value: host.zone },
      { key: searchAttributeKeys.cluster, value: host.cluster },
      { key: searchAttributeKeys.gateway, value: gateway.gatewayId },
      { key: searchAttributeKeys.resourceType, value: host.resourceType },
    ]),
    args: [] as [],
  };
}

/** Start options of a gateway's lifecycle workflow. */
export function gatewayStartOptions(gatewayId: string) {
  return {
    workflowId: gatewayWorkflowId(gatewayId),
    taskQueue: lifecycleTaskQueue,
    staticSummary: `gateway ${gatewayId}`.slice(0, summaryCharsMax),
    args: [] as [],
  };
}

/** Start options of the one balancer. */
export function balancerStartOptions() {
  return {
    workflowId: balancerWorkflowId,
    taskQueue: lifecycleTaskQueue,
    staticSummary: "spreads the agents over the gateways",
    args: [] as [],
  };
}

/** Start options of a webhook's deliveries. `host` of its URL: the rest may hold a token of the endpoint's. */
export function webhookStartOptions(webhookId: string, host: string) {
  return {
    workflowId: webhookWorkflowId(webhookId),
    taskQueue: lifecycleTaskQueue,
    staticSummary: `webhook ${webhookId} to ${host}`.slice(0, summaryCharsMax),
    args: [{ webhookId }] as [WebhookInput],
  };
}

/** Start options of a webhook's test message; a moment after its result nobody waits for it any more. */
export function webhookTestOptions(webhookId: string, testId: string) {
  return {
    workflowId: `${webhookWorkflowId(webhookId)}/test/${testId}`,
    taskQueue: lifecycleTaskQueue,
    workflowExecutionTimeout: "30s",
    staticSummary: `test message of webhook ${webhookId}`.slice(0, summaryCharsMax),
    args: [{ webhookId }] as [WebhookInput],
  } as const;
}

// Temporal refuses a summary of more than 400 bytes; characters of ids and names may take three bytes each.
const summaryCharsMax = 130;
