/** What the disconnect decision is made from, and what it says (DESIGN §5). Absolute times in milliseconds. */
import type { ResourceState, ShutdownReason, Status, StatusEvent, Verdict } from "../api/index.ts";
import type { DisconnectRule } from "./disconnect-rules.ts";

/** Whether a Down may be believed, or so much is lost at once that it is held back. */
export interface BrakeAnswer {
  readonly held: boolean;
  /** For operators. */
  readonly reason: string;
}

/** What one Investigator said. `proof` goes with Down alone: without it a Down counts as Unknown. */
export interface InvestigatorFinding {
  readonly investigator: string;
  readonly verdict: Verdict;
  readonly evidence: string;
  readonly proof?: string;
}

/** Why a session ended. */
export type LossCause =
  | { readonly type: "goodbye"; readonly reason: ShutdownReason; readonly details?: string }
  | { readonly type: "socketLost"; readonly details: string }
  | { readonly type: "pingTimeout"; readonly silentForMs: number }
  | { readonly type: "handshakeFailed"; readonly details: string; readonly retryable: boolean }
  | { readonly type: "reconnectAsked"; readonly by: string }
  | { readonly type: "gatewayLost"; readonly reason: string }
  | { readonly type: "removed"; readonly by: string };

/** What happens to a loss after it began. */
export type LaterCause =
  /** The Investigators have spoken. `brake` is asked when one of them said Down. */
  | { readonly type: "investigated"; readonly brake?: BrakeAnswer }
  /** The agent was not back in time. */
  | { readonly type: "waitedTooLong"; readonly lostForMs: number }
  /** The agent dialled and was not admitted, by how it is set up; `details` say what to change. */
  | { readonly type: "setUpWrong"; readonly details: string };

/** The settings that the decision goes by. */
export interface LossSettings {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMultiplier: number;
  readonly reconnectGraceMs: number;
  readonly alertWaitMs: number;
  readonly investigateRetryMs: number;
}

export interface DisconnectInput {
  readonly status: Status;
  /** Why the Status is what it is, in words: a later decision builds on it. */
  readonly statusReason: string;
  readonly resourceState: ResourceState;
  readonly cause: LossCause | LaterCause;
  /** Epoch of the session that the message speaks of. */
  readonly messageEpoch: number;
  /** Newest epoch that the workflow knows. */
  readonly epoch: number;
  /** What the Investigators found about the present loss, in the order asked. */
  readonly evidence: readonly InvestigatorFinding[];
  readonly settings: LossSettings;
  readonly nowMs: number;
}

/** What an alert is about, the least urgent first. */
export type AlertKind = "lost" | "braked" | "down";

/** What else is done beside moving the Status. */
export type DisconnectAction =
  /** Look into it from `investigateAtMs` on; Alert at `alertAtMs` if the agent isn't back. Without it: quiet. */
  | { readonly type: "watch"; readonly investigateAtMs: number; readonly alertAtMs: number }
  /** Ask the Investigators again then. */
  | { readonly type: "investigateAgain"; readonly atMs: number }
  /** Nobody looks into the loss any more, and nobody waits for the agent. */
  | { readonly type: "stopWatching" }
  | { readonly type: "closeSession"; readonly why: "silent" | "removed" | "reconnect" }
  | { readonly type: "raiseAlert"; readonly kind: AlertKind }
  | { readonly type: "clearAlert" }
  /** A Down verdict is held back. */
  | { readonly type: "holdBack"; readonly reason: string }
  /** The host is proven off: its machines may be started elsewhere. Once for each loss. */
  | { readonly type: "recover" }
  /** The agent is gone for good: settle what is pending and end. */
  | { readonly type: "end" };

export interface Decided {
  readonly type: "decided";
  readonly rule: DisconnectRule;
  /** To be applied in order, through the Status table. */
  readonly events: readonly StatusEvent[];
  /** In words, for operators: where the Status moves, the reason of it. */
  readonly reason: string;
  readonly actions: readonly DisconnectAction[];
}

export type DisconnectDecision = { readonly type: "ignored"; readonly reason: string } | Decided;
