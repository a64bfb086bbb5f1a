/** Everything that can happen to an agent's lifecycle, as one union: handlers put it in, the main loop takes it out. */
import type {
  AnswerMessage,
  ConnectedMessage,
  DisconnectMessage,
  EnterMaintenanceMessage,
  GatewayLostMessage,
  OperatorVerb,
  PingMessage,
  ProgressMessage,
  RefusedMessage,
  UndeliveredMessage,
} from "../agent-messages.ts";
import type { BrakeAnswer, InvestigatorFinding } from "../../lifecycle/disconnect-types.ts";
import type { Destination } from "../../lifecycle/evacuation-types.ts";

export type Inbound =
  | { readonly type: "connected"; readonly message: ConnectedMessage }
  | { readonly type: "ping"; readonly message: PingMessage }
  | { readonly type: "answer"; readonly message: AnswerMessage }
  | { readonly type: "progress"; readonly message: ProgressMessage }
  | { readonly type: "undelivered"; readonly message: UndeliveredMessage }
  | { readonly type: "disconnect"; readonly message: DisconnectMessage }
  | { readonly type: "refused"; readonly message: RefusedMessage }
  | { readonly type: "gatewayLost"; readonly message: GatewayLostMessage }
  | {
      readonly type: "operator";
      readonly verb: OperatorVerb;
      readonly message: EnterMaintenanceMessage;
    }
  /** A signal that could not be read, or that nobody knows. */
  | { readonly type: "unreadable"; readonly signal: string; readonly reason: string }
  /** What the workflow's own questions and jobs came to. */
  | SilenceAnswered
  | Delivered
  | {
      readonly type: "finding";
      readonly round: number;
      readonly finding: InvestigatorFinding;
      readonly tookMs: number;
      readonly isFirst: boolean;
    }
  | {
      readonly type: "investigated";
      readonly round: number;
      readonly findings: readonly InvestigatorFinding[];
      /** Asked when one of them said Down. */
      readonly brake?: BrakeAnswer;
    }
  | ErrandDone
  | { readonly type: "recorded"; readonly upToNo: number | undefined }
  | MaintenanceJobEnded;

/** What an errand of the evacuation `no` came to. */
export type MaintenanceJobEnded = {
  readonly type: "maintenanceJobEnded";
  readonly no: number;
} & (
  | { readonly job: "claim"; readonly heldBy: readonly string[] | undefined }
  | { readonly job: "destinations"; readonly destinations: readonly Destination[] }
  | { readonly job: "release" }
  /** Stopped, because nobody needs it any more. */
  | { readonly job: "stopped" }
);

/** An errand is done; with `failure`, it could not be. */
export interface ErrandDone {
  readonly type: "errandDone";
  readonly no: number;
  readonly failure?: string;
}

/** What the gateway of session `epoch` said to "silent for you too?"; no answer when it gave none. */
export interface SilenceAnswered {
  readonly type: "silenceAnswered";
  readonly epoch: number;
  readonly answer?: {
    readonly heldHere: boolean;
    readonly lastPingAgoMs?: number;
    readonly vouchForMs?: number;
  };
}

/** What became of Requests handed to the gateway of session `epoch`. */
export interface Delivered {
  readonly type: "delivered";
  readonly epoch: number;
  readonly seqs: readonly number[];
  /** Those certainly not written. */
  readonly notWritten: readonly number[];
  /** The gateway gave no answer: what is not in `notWritten` may or may not have been written. */
  readonly failure?: string;
}
