import type { Command } from "commander";
import { resourceStates, statuses } from "../../api/index.ts";
import type { ApiClient } from "../api/client.ts";
import { openApi } from "../api/open-api.ts";
import type { AgentJson, AgentsPage } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { oneOf, wholeNumber } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { table } from "../text/table.ts";
import { roughly } from "../text/times.ts";

interface AgentsOptions extends JsonOption {
  readonly zone?: string;
  readonly cluster?: string;
  readonly type?: string;
  readonly status?: string;
  readonly resourceState?: string;
  readonly gateway?: string;
  readonly removed?: boolean;
  readonly limit?: number;
}

const pageSizeMax = 1_000;

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
    .option("--limit <n>", "so many at most", wholeNumber(1, 1_000_000))
    .option(...jsonOption)
    .action(async (options: AgentsOptions) => {
      const agents = await listAgents(openApi(context), options);
      printResult(context, options.json, { agents }, () => agentsTable(agents, context));
    });
}

async function listAgents(api: ApiClient, options: AgentsOptions): Promise<readonly AgentJson[]> {
  const {
    zone,
    cluster,
    type,
    status,
    resourceState,
    gateway,
    removed,
    limit = Infinity,
  } = options;
  const filter = { zone, cluster, resourceType: type, status, resourceState, gatewayId: gateway };
  const agents: AgentJson[] = [];
  let after: string | undefined;
  do {
    const page = await api.call<AgentsPage>("GET", "agents", {
      query: {
        ...filter,
        withRemoved: removed,
        after,
        limit: Math.min(pageSizeMax, limit - agents.length),
      },
    });
    agents.push(...page.agents);
    after = page.next ?? undefined;
  } while (after !== undefined && agents.length < limit);
  return agents;
}

/** The agents, and how many are of each Status. */
export function agentsTable(
  agents: readonly AgentJson[],
  { now, width }: Pick<CliContext, "now" | "width">,
): string {
  if (agents.length === 0) return "no agents\n";
  const nowMs = now();
  const rows = table<AgentJson>(
    [
      { title: "AGENT", text: (agent) => agent.id },
      {
        title: "STATUS",
        text: ({ status, braked }) => (braked === true ? `${status} (braked)` : status),
      },
      {
        title: "FOR",
        text: (agent) => roughly(nowMs - Date.parse(agent.statusSince)),
        align: "right",
      },
      { title: "RESOURCE", text: (agent) => agent.resourceState },
      { title: "TYPE", text: (agent) => agent.resourceType, cuttable: true },
      { title: "ZONE", text: (agent) => agent.zone, cuttable: true },
      { title: "CLUSTER", text: (agent) => agent.cluster, cuttable: true },
      { title: "GATEWAY", text: (agent) => agent.gatewayId ?? "-", cuttable: true },
      { title: "WHY", text: (agent) => agent.statusReason, cuttable: true },
    ],
    agents,
    width,
  );
  const counts = statuses.flatMap((status) => {
    const count = agents.filter((agent) => agent.status === status).length;
    return count === 0 ? [] : [`${count} ${status}`];
  });
  return `${rows}${agents.length} ${agents.length === 1 ? "agent" : "agents"}: ${counts.join(", ")}\n`;
}
