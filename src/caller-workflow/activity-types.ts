/** What a caller's workflow asks the activities of `muster/workflow-activities`. */
import type { WireCommand } from "../api/index.ts";
import type { CancelResult, RequestAnswers, RequestView } from "../workflows/agent-messages.ts";

export interface AdmitArgs {
  readonly agentId: string;
  readonly requestId: string;
  readonly commands: readonly WireCommand[];
  readonly onError: "stop" | "continue";
  readonly waitSeconds?: number;
  /** The workflow that waits for the Answers, and its signal for them. */
  readonly replyTo: { readonly workflowId: string; readonly signal: string };
}

/** Admitted, now or by an earlier asking. */
export type Admitted =
  | { readonly state: "pending"; readonly waitMs: number }
  | { readonly state: "settled"; readonly answers: RequestAnswers["answers"] };

export interface RequestArgs {
  readonly agentId: string;
  readonly requestId: string;
}

/** Fields of each Command type that hold secrets, as an agent declares them: nested ones with dots. */
export type SecretFields = Readonly<Record<string, readonly string[]>>;

export interface SealArgs {
  readonly agentId: string;
  readonly commands: readonly WireCommand[];
  readonly secretFields: SecretFields;
}

export interface CommandActivities {
  /**
   * The Commands with these fields sealed. Run as a local activity: its arguments are in no history.
   * Fails for good, as PAYLOAD_KEY_NEEDED, without a key.
   */
  musterSeal(args: SealArgs): Promise<readonly WireCommand[]>;
  /**
   * Has a Request admitted by the agent's lifecycle; asking again is the same Request. Fails for good with an
   * ApplicationFailure whose type is a refusal of docs/CLIENT-API.md; its first detail says whether something may have run.
   */
  musterAdmit(args: AdmitArgs): Promise<Admitted>;
  /** What became of a Request; null when the lifecycle does not know it. */
  musterFindRequest(args: RequestArgs): Promise<RequestView | null>;
  musterCancel(args: RequestArgs & { readonly reason: string }): Promise<CancelResult>;
}
