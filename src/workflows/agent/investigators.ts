/** The Investigators in the order in which they are asked. Each gives a finding, whatever happens to it. */
import { isCancellation } from "@temporalio/workflow";
import type { Finding } from "../../api/index.ts";
import type { InvestigatorFinding } from "../../lifecycle/disconnect-types.ts";
import type { InvestigateArgs } from "../activity-types.ts";
import type { AgentState } from "./state.ts";
import { investigatorAgent, investigatorPing } from "./outside.ts";

export interface Investigator {
  readonly name: string;
  /** Never fails except by cancellation: what can't be found out is Unknown. */
  ask(): Promise<InvestigatorFinding>;
}

/** Those that can say something about this loss. */
export function investigators(state: AgentState): readonly Investigator[] {
  const { host, loss, agentId } = state;
  if (host === null) return [];
  const session = loss?.session ?? null;
  const args: InvestigateArgs = { agentId, epoch: session?.epoch ?? state.epoch, host };
  const ping = investigator("ping", () => investigatorPing().investigateByPing(args));
  if (session === null) return [ping];
  // A gateway that is gone can't ask anybody: it would only be waited for.
  const agent =
    loss?.cause.type === "gatewayLost"
      ? notAsked("agent", `Gateway ${session.gatewayId} is lost and can't ask the agent.`)
      : investigator("agent", () => investigatorAgent(session.gatewayId).investigateByAgent(args));
  return [agent, ping];
}

function investigator(name: string, ask: () => Promise<Finding>): Investigator {
  return {
    name,
    async ask() {
      try {
        return { investigator: name, ...(await ask()) };
      } catch (error) {
        if (isCancellation(error)) throw error;
        return {
          investigator: name,
          verdict: "Unknown",
          evidence: `It gave no answer: ${rootMessage(error)}.`,
        };
      }
    },
  };
}

function notAsked(name: string, evidence: string): Investigator {
  return {
    name,
    ask: () => Promise.resolve({ investigator: name, verdict: "Unknown", evidence }),
  };
}

/** The message of the innermost cause: Temporal's outer failures say only that something failed. */
function rootMessage(error: unknown): string {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  return current instanceof Error ? current.message : String(current);
}
