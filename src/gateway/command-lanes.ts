import type { Answer, WireCommand } from "../api/index.ts";

/** A batch of Commands as a caller gave it; every Command has its id by now. */
export interface CallerRequest {
  readonly requestId: string;
  readonly commands: readonly WireCommand[];
  readonly onError: "stop" | "continue";
  /** Absent: the largest of the Command types' own waits. */
  readonly waitSeconds?: number;
}

/**
 * The two ways of a Command to an agent (DESIGN §3). Both give one Answer for each Command, in order, within the wait,
 * or throw a `RequestRefusedError` when the Request was refused before anything was recorded.
 */
export interface CommandLanes {
  /** Through the agent's workflow: survives every process, answered exactly once. */
  sendDurable(agentId: string, request: CallerRequest): Promise<readonly Answer[]>;
  /** Straight to the socket, read-only Commands only; a lost gateway leaves the outcome unknown. */
  sendDirect(agentId: string, request: CallerRequest): Promise<readonly Answer[]>;
}
