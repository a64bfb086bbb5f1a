/** `muster/client`: sends Commands to agents, from TypeScript. */
export * from "./agent-manager.ts";
export * from "./errors.ts";
export type { LinkState } from "./link.ts";
