/** Investigator `neighbour`: other hosts of the lost one's cluster look for it, all at once. */
import { isCancellation } from "@temporalio/workflow";
import type { Finding, HostToCheck } from "../../api/index.ts";
import {
  blindReport,
  combineNeighbours,
  neighbourReport,
  type NeighbourReport,
} from "../../lifecycle/neighbours.ts";
import type { InvestigateArgs, Neighbour } from "../activity-types.ts";
import { failureEvidence } from "./ask-failures.ts";
import { askNeighbour, findNeighbours } from "./outside.ts";

/** Asks up to `atMost` neighbours. Fails only when none can be found, not by what is wrong with one of them. */
export async function askNeighbours(
  { agentId, host, timeoutMs }: InvestigateArgs & { readonly timeoutMs: number },
  atMost: number,
): Promise<Finding> {
  const { zone, cluster, address, probePorts } = host;
  const neighbours = await findNeighbours({ agentId, zone, cluster, atMost });
  const lost: HostToCheck = {
    agentId,
    ...(address !== undefined && { address }),
    ...(probePorts !== undefined && { probePorts }),
  };
  const asked = neighbours.map((neighbour) => reportOf(neighbour, lost, timeoutMs));
  return combineNeighbours(await Promise.all(asked));
}

/** One that is lost itself, or slow, only lowers what is known. */
async function reportOf(
  { agentId, gatewayId }: Neighbour,
  host: HostToCheck,
  timeoutMs: number,
): Promise<NeighbourReport> {
  try {
    const answer: unknown = await askNeighbour(gatewayId, { agentId, host, timeoutMs });
    return neighbourReport(agentId, answer);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return blindReport(
      agentId,
      `could not be asked (${failureEvidence("it", timeoutMs, error).replace(/\.$/, "")})`,
    );
  }
}
