/** Small jobs for the outside world that nothing waits for. All are idempotent: one cut short is done again. */
import type { LifecycleSettings } from "../agent-messages.ts";
import type { AskedInvestigator } from "../recovery-messages.ts";

export type Errand =
  | {
      readonly type: "reply";
      readonly gatewayId: string;
      readonly requestId: string;
      readonly seq: number;
    }
  | {
      readonly type: "signalWorkflow";
      readonly workflowId: string;
      readonly signal: string;
      readonly requestId: string;
      readonly seq: number;
    }
  | {
      readonly type: "closeSession";
      readonly gatewayId: string;
      readonly epoch: number;
      readonly why: "silent" | "removed" | "reconnect";
      readonly details: string;
    }
  | {
      readonly type: "applySettings";
      readonly gatewayId: string;
      readonly epoch: number;
      readonly settings: LifecycleSettings;
    }
  | {
      readonly type: "cancelRequest";
      readonly gatewayId: string;
      readonly epoch: number;
      readonly seq: number;
      readonly reason: string;
    }
  /** Starts the recovery of the host that was lost with session `epoch`. */
  | {
      readonly type: "recover";
      readonly epoch: number;
      readonly lostAtMs: number;
      readonly downAtMs: number;
      readonly evidence: readonly AskedInvestigator[];
    };

export interface QueuedErrand {
  readonly no: number;
  /** After this nobody is interested any more: not begun then. */
  readonly notAfterMs: number;
  readonly errand: Errand;
}

/** Numbers of the Requests whose Answers somebody must still be told. */
export function untoldSeqs(errands: readonly QueuedErrand[]): ReadonlySet<number> {
  const seqs = new Set<number>();
  for (const { errand } of errands) {
    if (errand.type === "reply" || errand.type === "signalWorkflow") seqs.add(errand.seq);
  }
  return seqs;
}
