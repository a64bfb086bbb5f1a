/**
 * The frames between an agent and its gateway: WebSocket text messages of JSON on `/agent`, sub-protocol
 * `muster.v1` (docs/PROTOCOL.md). Append only: a field, once shipped, keeps its name and meaning.
 */
import type { Answer, WireCommand } from "../api/index.ts";

/** How an agent proves who it is, on the first frame of a session only. */
export interface Credentials {
  /** The agent's own secret: made by the agent (32 random bytes, base64url), kept on its disk. */
  readonly secret: string;
  /** Needed on first connect only: binds `secret` to the agent id. */
  readonly joinToken?: string;
}

/** First frame of a session, agent → gateway. Its Commands are one StartupCommand for each resource. */
export interface HelloFields {
  readonly agentId: string;
  readonly credentials: Credentials;
  /** Names the software, for operators: `muster-agent/0.1.0`. */
  readonly software: string;
}

/**
 * A batch of Commands. Manager → agent on the durable lane: `seq` counts for the agent's life and the Response is
 * acknowledged. On the direct lane and for session Commands: `seq` counts for the sender and session, no ack.
 */
export interface RequestFrame {
  readonly v: 1;
  readonly kind: "request";
  readonly seq: number;
  readonly lane: Lane;
  readonly commands: readonly WireCommand[];
  /** Run in `seq` order, one Request at a time for the agent. Absent: run at once. */
  readonly inSequence?: boolean;
  /**
   * The in-sequence Request to run before this one. It may arrive later by another way: hold this one until that one is
   * finished, or `withinMs` milliseconds at most (then the manager has settled it).
   */
  readonly after?: { readonly seq: number; readonly withinMs: number };
  /** More of them, earlier ones, for when the one in `after` ends without ever reaching the agent. */
  readonly alsoAfter?: readonly { readonly seq: number; readonly withinMs: number }[];
  /** After a failed Command: `stop` answers the rest StoppedByPreviousFailure. Default `stop`. */
  readonly onError?: "stop" | "continue";
  /** The manager wants to hear of each Answer as it comes (`progress` frames), beside the Response. */
  readonly progress?: boolean;
  /**
   * The manager is certain that the agent was never given this Request before. An agent whose journal was damaged can't
   * know otherwise that it has not run it.
   */
  readonly fresh?: boolean;
  /**
   * An earlier owner of this direct agent may have been given the Request, whose journal is not this one's: unless this
   * journal knows it, nobody can tell whether it ran.
   */
  readonly handedBefore?: boolean;
  /** How long the caller still waits. A Command not started by then is answered `notSent` and not run. */
  readonly waitMs?: number;
  /** On the first frame of a session only. */
  readonly hello?: HelloFields;
}

/**
 * `durable`: journalled, answered once, acknowledged. `direct`: read-only Commands past Temporal.
 * `session`: the Commands of the link itself (Startup, Ready, Ping, Shutdown, Reconnect, Cancel).
 */
export type Lane = "durable" | "direct" | "session";

/** The Answers to a Request, one for each Command, in its order. */
export interface ResponseFrame {
  readonly v: 1;
  readonly kind: "response";
  readonly seq: number;
  readonly lane: Lane;
  readonly answers: readonly Answer[];
}

/**
 * One Answer of a Request that goes on, as soon as it is there. Sent only where the Request asked for it. For people and
 * programs that watch: it is not acknowledged, may be lost, and the Response says it again.
 */
export interface ProgressFrame {
  readonly v: 1;
  readonly kind: "progress";
  readonly seq: number;
  readonly lane: Lane;
  /** Place of its Command in the Request, from 0. */
  readonly index: number;
  readonly answer: Answer;
}

/** The manager has the durable Answers to these Commands safe: the agent may forget them. */
export interface AckFrame {
  readonly v: 1;
  readonly kind: "ack";
  readonly seq: number;
  readonly commandIds: readonly string[];
}

/** Why the sender is about to close the socket, or why it dropped a frame. */
export interface ErrorFrame {
  readonly v: 1;
  readonly kind: "error";
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number;
}

export type Frame = RequestFrame | ResponseFrame | ProgressFrame | AckFrame | ErrorFrame;
