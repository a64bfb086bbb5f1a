import type { ApiClient } from "./client.ts";
import type { AgentJson, AgentsPage } from "./types.ts";

/** Which agents are meant; all that are not removed when empty. */
export interface AgentsFilter {
  readonly zone?: string | undefined;
  readonly cluster?: string | undefined;
  /** Resource type. */
  readonly type?: string | undefined;
  readonly status?: string | undefined;
  readonly resourceState?: string | undefined;
  /** Id of the gateway that they are connected to. */
  readonly gateway?: string | undefined;
  /** Removed ones too. */
  readonly removed?: boolean | undefined;
  /** Those alone whose last handshake was refused. */
  readonly refused?: boolean | undefined;
}

/** What the API gives in one page at most. */
const pageSizeMax = 1_000;

/**
 * Agents by id, page after page, `limit` at most.
 * @throws ApiRefusedError, ApiUnreachableError.
 */
export async function listAgents(
  api: ApiClient,
  filter: AgentsFilter,
  limit = Infinity,
): Promise<readonly AgentJson[]> {
  const { type, gateway, removed, zone, cluster, status, resourceState, refused } = filter;
  const query = {
    ...{ zone, cluster, resourceType: type, status, resourceState, gatewayId: gateway },
    ...{ withRemoved: removed, refused },
  };
  const agents: AgentJson[] = [];
  let after: string | undefined;
  do {
    const page = await api.call<AgentsPage>("GET", "agents", {
      query: { ...query, after, limit: Math.min(pageSizeMax, limit - agents.length) },
    });
    agents.push(...page.agents);
    after = page.next ?? undefined;
  } while (after !== undefined && agents.length < limit);
  return agents;
}
