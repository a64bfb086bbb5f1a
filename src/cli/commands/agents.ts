import type { Command } from "commander";
import { resourceStates, statuses } from "../../api/index.ts";
import type { ApiClient } from "../api/client.ts";
import { listAgents } from "../api/list-agents.ts";
import { openApi } from "../api/open-api.ts";
import type { RefusalJson, RefusalsPage } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { oneOf, wholeNumber } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { agentsTable } from "../text/agents-table.ts";

interface AgentsOptions extends JsonOption {
  readonly zone?: string;
  readonly cluster?: string;
  readonly type?: string;
  readonly status?: string;
  readonly resourceState?: string;
  readonly gateway?: string;
  readonly removed?: boolean;
  readonly refused?: boolean;
  readonly limit?: number;
}

const refusalsMax = 1_000;

export function addAgentsCommand(program: Command, context: CliContext): void {
  program
    .command("agents")
    .description("list agents")
    .option("--zone <zone>", "only those of this zone")
    .option("--cluster <cluster>", "of this cluster")
    .option("--type <type>", "of this resource type, such as kvm")
    .option("--status <status>", "of this status, such as Up", oneOf(statuses))
    .option("--resource-state <state>", "of this resource state", oneOf(resourceStates))
    .option("--gateway <id>", "connected to this gateway")
    .option("--removed", "removed ones too")
    .option("--refused", "only those that are not admitted")
    .option("--limit <n>", "so many at most", wholeNumber(1, 1_000_000))
    .option(...jsonOption)
    .action(async (options: AgentsOptions) => {
      const api = openApi(context);
      const [agents, refusals] = await Promise.all([
        listAgents(api, options, options.limit),
        listNeverAdmitted(api, options),
      ]);
      printResult(context, options.json, { agents, refusals }, () =>
        agentsTable(agents, refusals, context),
      );
    });
}

/** Agents that dial but were never admitted. They have neither Status nor ResourceState. */
async function listNeverAdmitted(
  api: ApiClient,
  { zone, cluster, type, status, resourceState, gateway, limit = Infinity }: AgentsOptions,
): Promise<readonly RefusalJson[]> {
  if (status !== undefined || resourceState !== undefined) return [];
  const filter = { registered: false, zone, cluster, resourceType: type, gatewayId: gateway };
  const { refusals } = await api.call<RefusalsPage>("GET", "refusals", {
    query: { ...filter, limit: Math.min(refusalsMax, limit) },
  });
  return refusals;
}
