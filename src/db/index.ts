export * from "./agents.ts";
export * from "./events.ts";
export * from "./gateways.ts";
export * from "./identities.ts";
export * from "./places.ts";
export * from "./pool.ts";
export * from "./requests.ts";
