/** The question before a Down is believed: is so much of its zone or cluster lost that something else is wrong? */
import { isCancellation } from "@temporalio/workflow";
import type { BrakeAnswer } from "../../lifecycle/disconnect-types.ts";
import { askForBrake } from "./outside.ts";
import type { AgentState } from "./state.ts";

/** Never fails except by cancellation: a brake that can't be asked holds. */
export async function askBrake({ agentId, host }: AgentState): Promise<BrakeAnswer> {
  if (host === null) return { held: true, reason: "its zone and cluster are not known" };
  const { zone, cluster } = host;
  try {
    return await askForBrake(`Mass loss in ${zone}/${cluster}?`).askBrake({
      agentId,
      zone,
      cluster,
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { held: true, reason: "nobody could say how much else is lost; asked again" };
  }
}
