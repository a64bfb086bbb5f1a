/** `muster/client`: sends Commands to agents, from TypeScript. */
export type { AgentSelection, AgentSelector } from "./agent-list.ts";
export * from "./agent-manager.ts";
export type { BatchCall, BatchProgress } from "./batch-call.ts";
export type { CommandForEach } from "./call-one-of-many.ts";
export * from "./errors.ts";
export type { FleetCall } from "./fleet-call.ts";
export type { FleetCounts, FleetResult, FleetSummary, MissingAgent } from "./fleet-summary.ts";
export type { LatencySummary } from "./latency-histogram.ts";
export type { LinkState } from "./link.ts";
export type { RequestHandle } from "./request-handle.ts";
export type { CancelResult, RequestView } from "./socket-messages.ts";
