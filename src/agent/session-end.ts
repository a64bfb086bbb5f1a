/** What the end of a session means for the next dialling. Pure. */
import type { StartupAnswer } from "../api/index.ts";
import type { ErrorFrame } from "../wire/frames.ts";
import { closeCodes, elsewhereCode } from "../wire/limits.ts";
import type { DialOutcome } from "./dial-plan.ts";

/** Everything known about the end of a session. */
export interface EndFacts {
  readonly code: number;
  readonly why: string;
  readonly wasOpen: boolean;
  readonly openForMs: number;
  /** The gateway's last error frame. */
  readonly farewell: ErrorFrame | undefined;
  readonly refusal: StartupAnswer | undefined;
}

/** How a session ended, for the log and for what follows. */
export interface SessionEnd {
  readonly outcome: DialOutcome;
  readonly code: number;
  readonly wasOpen: boolean;
  readonly errorCode?: string;
  readonly why: string;
  /** Where to go instead, in the gateway's order. */
  readonly gateways?: readonly string[];
}

/** Close codes by which a gateway sends an open session elsewhere. */
const sentAwayCodes: readonly number[] = [
  closeCodes.goingAway,
  closeCodes.reconnect,
  closeCodes.busy,
  closeCodes.unavailable,
];

/** Close codes by which the manager does not admit an agent. */
const refusedCodes: readonly number[] = [closeCodes.unauthenticated, closeCodes.refused];

/** What follows from the end of a session. */
export function sessionOutcome(facts: EndFacts): SessionEnd {
  const { code, wasOpen, farewell, refusal } = facts;
  const errorCode = refusal?.errorCode ?? farewell?.code;
  const why = refusal?.details ?? farewell?.message ?? (facts.why || `close code ${code}`);
  return {
    outcome: outcomeOf(facts),
    code,
    wasOpen,
    why,
    ...(errorCode !== undefined && { errorCode }),
    ...(refusal?.gateways !== undefined && { gateways: refusal.gateways }),
  };
}

function outcomeOf({ code, wasOpen, openForMs, farewell, refusal }: EndFacts): DialOutcome {
  const retryAfterMs = refusal?.retryAfterMs ?? farewell?.retryAfterMs;
  const wait = retryAfterMs !== undefined && { retryAfterMs };
  if (code === closeCodes.superseded) return { type: "superseded" };
  if (wasOpen && sentAwayCodes.includes(code)) return { type: "sentAway", openForMs, ...wait };
  if (wasOpen) return { type: "lost", openForMs };
  // Nothing is wrong with the agent: any other gateway may be tried at once.
  if (refusal?.errorCode === elsewhereCode) return { type: "failed", ...wait };
  const isRefused = refusal !== undefined || refusedCodes.includes(code);
  if (isRefused && retryAfterMs !== undefined) return { type: "refused", retryAfterMs };
  return { type: "failed", ...wait };
}
