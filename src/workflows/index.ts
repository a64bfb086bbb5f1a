/** What the workflow bundle exports. */
export { agentLifecycle } from "./agent-lifecycle.ts";
