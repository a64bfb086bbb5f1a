/** What the workflow bundle exports. */
export { agentLifecycle } from "./agent-lifecycle.ts";
export { balancer } from "./balancer.ts";
export { gatewayLifecycle } from "./gateway-lifecycle.ts";
export { hostRecovery } from "./host-recovery.ts";
export { webhookDelivery, webhookTest } from "./webhook-delivery.ts";
