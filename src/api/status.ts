/**
 * What the manager believes about an agent (seed: Status.java; DESIGN §5).
 * Changed only by the agent's lifecycle workflow, through the table in `src/lifecycle/status-table.ts`.
 */
export const statuses = [
  "Creating",
  "Connecting",
  "Up",
  "Down",
  "Disconnected",
  "Alert",
  "Removed",
  "Error",
  "Rebalancing",
  "Unknown",
] as const;
export type Status = (typeof statuses)[number];

/** What moves a Status (CloudStack's Status.Event). */
export const statusEvents = [
  "AgentConnected",
  "Ready",
  "Ping",
  "PingTimeout",
  "AgentDisconnected",
  "ShutdownRequested",
  "HostDown",
  "ManagementServerDown",
  "WaitedTooLong",
  "StartAgentRebalance",
  "AgentRebalanceCompleted",
  "AgentRebalanceFailed",
  "Remove",
  "Error",
] as const;
export type StatusEvent = (typeof statusEvents)[number];

/** What the administrator wants of a resource (seed: ResourceState.java; DESIGN §6). */
export const resourceStates = [
  "Creating",
  "Enabled",
  "Disabled",
  "PrepareForMaintenance",
  "ErrorInPrepareForMaintenance",
  "ErrorInMaintenance",
  "Maintenance",
  "Error",
  "Unmanaged",
  "Degraded",
] as const;
export type ResourceState = (typeof resourceStates)[number];

/** What moves a ResourceState. */
export const resourceStateEvents = [
  "InternalCreated",
  "Enable",
  "Disable",
  "AdminAskMaintenance",
  "AdminCancelMaintenance",
  "InternalEnterMaintenance",
  "UnableToMigrate",
  "UnableToMaintain",
  "ErrorsCorrected",
  "DeclareHostDegraded",
  "EnableDegradedHost",
  "DeleteHost",
  "Unmanage",
  "Manage",
  "Error",
] as const;
export type ResourceStateEvent = (typeof resourceStateEvents)[number];
