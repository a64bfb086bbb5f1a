/** `muster/workflow`: sends Commands from a caller's Temporal workflow. Runs in the workflow sandbox. */
export * from "./command-sender.ts";
export { CommandFailure, type UnansweredOutcome } from "./failures.ts";
