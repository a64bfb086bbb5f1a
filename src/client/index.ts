/** `muster/client`: sends Commands to agents, from TypeScript. */
export * from "./agent-manager.ts";
export type { BatchCall } from "./batch-call.ts";
export * from "./errors.ts";
export type { LinkState } from "./link.ts";
export type * from "./replies.ts";
export type { RequestHandle } from "./request-handle.ts";
export type { CancelResult, RequestView } from "./socket-messages.ts";
