/** `muster agent add --direct` and `muster agent list --direct`: agents that the gateways run themselves. */
import { InvalidArgumentError, type Command } from "commander";
import { openApi } from "../api/open-api.ts";
import type { DirectAgentJson, DirectAgentsPage } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { parseConfig } from "../resource-options.ts";
import { table } from "../text/table.ts";
import { roughly } from "../text/times.ts";
import { hanging } from "../text/wrap.ts";

interface DirectOption extends JsonOption {
  readonly direct?: boolean;
}
interface AddOptions extends DirectOption {
  readonly resource: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly uri?: string;
  readonly zone: string;
  readonly cluster?: string;
}

const pageSize = 1_000;

export function addDirectAgentCommands(agent: Command, context: CliContext): void {
  agent
    .command("add <id>")
    .description("declare an agent that the gateways run, for a resource with a remote API")
    .option("--direct", "say that it runs inside a gateway")
    .requiredOption("--resource <kind>", "simulator, kvm, or a module that the gateways allow")
    .option("--config <json>", "its settings, or @file; secrets in it are sealed", settings)
    .option("--uri <uri>", "connection of the resource (kvm): qemu+ssh://root@host/system")
    .option("--zone <zone>", "its zone", "default")
    .option("--cluster <cluster>", "its cluster (default: the resource's name)")
    .option(...jsonOption)
    .action(async (id: string, options: AddOptions) => {
      const { resource, uri, zone, cluster = resource } = options;
      requireDirect(options, `add ${id}`);
      const config = { ...options.config, ...(uri !== undefined && { uri }) };
      const body = { id, zone, cluster, resource, config };
      const added = await openApi(context).call<DirectAgentJson>("POST", "direct-agents", { body });
      printResult(context, options.json, added, () =>
        hanging(`${id}  `, "is declared: a gateway runs it from now on", context.width),
      );
    });
  agent
    .command("list")
    .description("list declared direct agents and the gateways that own them")
    .option("--direct", "say that those are meant; `muster agents` lists all agents")
    .option(...jsonOption)
    .action(async (options: DirectOption) => {
      requireDirect(options, "list");
      const directAgents = await listAll(context);
      printResult(context, options.json, { directAgents }, () => tableOf(directAgents, context));
    });
}

function requireDirect({ direct }: DirectOption, what: string): void {
  if (direct === true) return;
  throw new UsageError(
    `agent ${what} is for direct agents: say --direct. The agent of a host is run there (\`muster agent --resource …\`).`,
  );
}

function settings(text: string): Readonly<Record<string, unknown>> {
  if (text === "") throw new InvalidArgumentError("Give a JSON object, or @file.");
  return parseConfig(text);
}

async function listAll(context: CliContext): Promise<readonly DirectAgentJson[]> {
  const api = openApi(context);
  const all: DirectAgentJson[] = [];
  for (let after: string | null = ""; after !== null;) {
    const query: Record<string, string> = {
      limit: String(pageSize),
      ...(after !== "" && { after }),
    };
    const page: DirectAgentsPage = await api.call("GET", "direct-agents", { query });
    all.push(...page.directAgents);
    after = page.next;
  }
  return all;
}

function tableOf(
  agents: readonly DirectAgentJson[],
  { now, width }: Pick<CliContext, "now" | "width">,
): string {
  if (agents.length === 0) return "no direct agents\n";
  const since = (iso: string | null) => (iso === null ? "-" : roughly(now() - Date.parse(iso)));
  return table<DirectAgentJson>(
    [
      { title: "AGENT", text: ({ id }) => id },
      { title: "RESOURCE", text: ({ resource }) => resource, cuttable: true },
      { title: "ZONE", text: ({ zone }) => zone, cuttable: true },
      { title: "CLUSTER", text: ({ cluster }) => cluster, cuttable: true },
      { title: "OWNER", text: ({ gatewayId }) => gatewayId ?? "nobody" },
      { title: "FOR", text: ({ claimedAt }) => since(claimedAt), align: "right" },
      { title: "CONFIG", text: ({ config }) => JSON.stringify(config), cuttable: true },
      { title: "TROUBLE", text: ({ trouble }) => trouble ?? "", cuttable: true },
    ],
    agents,
    width,
  );
}
