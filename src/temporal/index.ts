export * from "./connect.ts";
export * from "./core-client.ts";
export * from "./errors.ts";
export * from "./runtime.ts";
export * from "./settings.ts";
export * from "./supervise.ts";
