/** `muster/api`: the contract for everyone who writes a ServerResource or sends Commands. */
export * from "./answer.ts";
export * from "./command.ts";
export * from "./command-traits.ts";
export * from "./evacuation.ts";
export * from "./hooks.ts";
export * from "./host-commands.ts";
export * from "./investigator.ts";
export * from "./payload-limits.ts";
export type * from "./replies.ts";
export * from "./server-resource.ts";
export * from "./session-commands.ts";
export * from "./status.ts";
