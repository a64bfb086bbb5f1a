import type { Answer, WireCommand } from "../api/index.ts";
import type { RequestView } from "../workflows/agent-messages.ts";

/** A batch of Commands as a caller gave it; every Command has its id by now. */
export interface CallerRequest {
  readonly requestId: string;
  readonly commands: readonly WireCommand[];
  readonly onError: "stop" | "continue";
  /** Absent: the largest of the Command types' own waits. */
  readonly waitSeconds?: number;
  /**
   * Told of Answers while the Request goes on; `index` is the place of the Command. Early news: each Answer once at
   * most, in any order, perhaps none. The Answers at the end are what counts.
   */
  readonly onProgress?: (index: number, answer: Answer) => void;
  /** Told once that the Request is under way, with the way to leave it. Not told of a Request that is refused. */
  readonly onOpen?: (call: OpenCall) => void;
  /** Durable lane: told once that the agent's lifecycle has the Request. */
  readonly onAdmitted?: (admission: Admission) => void;
}

/** A Request that a caller waits for. */
export interface OpenCall {
  /**
   * The caller wants it no more. Direct lane: the agent is asked to stop it, and its Answers still come. Durable lane: the
   * Request goes on, and nobody waits for it here.
   */
  leave(reason: string): void;
}

/** The agent's lifecycle has a Request. */
export interface Admission {
  readonly seq: number;
  readonly state: "pending" | "settled";
  /** How long its caller still waits. */
  readonly waitMs: number;
  /** When it is settled: the same Request was asked for before. */
  readonly answers?: readonly Answer[];
}

/**
 * The two ways of a Command to an agent (DESIGN §3). Both give one Answer for each Command, in order, within the wait,
 * or throw a `RequestRefusedError` when the Request was refused before anything was recorded.
 */
export interface CommandLanes {
  /** Through the agent's workflow: survives every process, answered exactly once. */
  sendDurable(agentId: string, request: CallerRequest): Promise<readonly Answer[]>;
  /** As `sendDurable`, without waiting for the Answers. */
  submitDurable(agentId: string, request: CallerRequest): Promise<Admission>;
  /**
   * The record of a Request once it is settled, or what it says after `waitMs`.
   * @param view what the record said just now.
   */
  awaitSettled(
    agentId: string,
    view: RequestView,
    waitMs: number,
    onOpen?: (call: OpenCall) => void,
  ): Promise<RequestView>;
  /** Straight to the socket, read-only Commands only; a lost gateway leaves the outcome unknown. */
  sendDirect(agentId: string, request: CallerRequest): Promise<readonly Answer[]>;
}
