/** The wire between an agent and its gateway (docs/PROTOCOL.md). */
export * from "./codec.ts";
export * from "./errors.ts";
export * from "./frames.ts";
export * from "./limits.ts";
export * from "./outgoing.ts";
