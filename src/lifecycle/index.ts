/** The rules of an agent's life: pure, `now` as an argument. */
export * from "./admission.ts";
export * from "./brake.ts";
export * from "./command-admission.ts";
export * from "./deadlines.ts";
export * from "./disconnect.ts";
export * from "./disconnect-rules.ts";
export * from "./disconnect-types.ts";
export * from "./explain.ts";
export * from "./mailbox.ts";
export * from "./mailbox-settle.ts";
export * from "./mailbox-types.ts";
export * from "./refusal.ts";
export * from "./relay-budget.ts";
export * from "./resource-state-table.ts";
export * from "./status-table.ts";
export * from "./verdict.ts";
