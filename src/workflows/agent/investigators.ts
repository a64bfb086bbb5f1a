/** The Investigators in the order in which they are asked. Each gives a finding, whatever happens to it. */
import { isCancellation } from "@temporalio/workflow";
import { readFinding, unknownFinding } from "../../lifecycle/finding.ts";
import { canSpeakOf } from "../../lifecycle/investigator-catalogue.ts";
import type { InvestigatorFinding } from "../../lifecycle/disconnect-types.ts";
import type { InvestigateArgs } from "../activity-types.ts";
import { activitiesTaskQueue, gatewayTaskQueue } from "../agent-messages.ts";
import type { InvestigatorSetting } from "../agent-messages.ts";
import { failureEvidence } from "./ask-failures.ts";
import { askNeighbours } from "./neighbours.ts";
import { askInvestigator } from "./outside.ts";
import { effectiveSettings, type AgentState } from "./state.ts";

export interface Investigator {
  readonly name: string;
  /** Never fails except by cancellation: what can't be found out is Unknown. */
  ask(): Promise<InvestigatorFinding>;
}

/** Whom a lifecycle asks that no gateway has told: those that there were before there was a setting. */
const formerly: readonly InvestigatorSetting[] = [
  { name: "agent", timeoutMs: 10_000 },
  { name: "ping", timeoutMs: 5_000 },
];
const neighboursAskedDefault = 3;

/** Those of the setting that can say something about this loss. */
export function investigators(state: AgentState): readonly Investigator[] {
  const { host, loss } = state;
  if (host === null) return [];
  const session = loss?.session ?? null;
  return (effectiveSettings(state).investigators ?? formerly)
    .filter(({ name }) => canSpeakOf(name, host.resourceType))
    .filter(({ name }) => name !== "agent" || session !== null)
    .map(({ name, timeoutMs }) => {
      const epoch = session?.epoch ?? state.epoch;
      const args = { agentId: state.agentId, epoch, host, timeoutMs };
      return { name, ask: () => heard(name, timeoutMs, () => ask(name, args, state)) };
    });
}

type Args = InvestigateArgs & { readonly timeoutMs: number };

function ask(name: string, args: Args, state: AgentState): Promise<unknown> {
  switch (name) {
    case "agent":
      return askAgent(args, state);
    case "neighbour": {
      const { neighboursAsked } = effectiveSettings(state);
      return askNeighbours(args, neighboursAsked ?? neighboursAskedDefault);
    }
    default:
      return askInvestigator(name, activitiesTaskQueue, args);
  }
}

/** The gateway of the lost session asks over the socket, which may be half open. */
async function askAgent(args: Args, { loss }: AgentState): Promise<unknown> {
  const gatewayId = loss?.session?.gatewayId ?? "";
  // A gateway that is gone can't ask anybody: it would only be waited for.
  if (loss?.cause.type === "gatewayLost") {
    return unknownFinding("agent", `Gateway ${gatewayId} is lost and can't ask the agent.`);
  }
  return await askInvestigator("agent", gatewayTaskQueue(gatewayId), args);
}

async function heard(
  name: string,
  timeoutMs: number,
  ask: () => Promise<unknown>,
): Promise<InvestigatorFinding> {
  try {
    return readFinding(name, await ask());
  } catch (error) {
    if (isCancellation(error)) throw error;
    return unknownFinding(name, failureEvidence(`Investigator ${name}`, timeoutMs, error));
  }
}
