import type { Command } from "commander";
import { addConnectOptions } from "../connect-options.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { addDirectAgentCommands } from "./direct-agents.ts";
import { jsonOption } from "../ready-line.ts";
import { ResourceChoices, type ResourceChoice } from "../resource-options.ts";
import type { RunAgentOptions } from "../run-agent-process.ts";

interface AgentCliOptions extends RunAgentOptions {
  readonly resource?: readonly ResourceChoice[];
}

export function addAgentCommand(program: Command, context: CliContext): void {
  const chosen = new ResourceChoices();
  const command = program
    .command("agent [id]")
    // Behind the name of a sub-command its own options are meant.
    .enablePositionalOptions()
    .description("with an id: show that agent; with --resource: run this host's agent")
    .option(
      "--resource <kind>",
      "kvm, simulator, a path (./my-resource) or a package; repeatable",
      chosen.add,
    )
    .option("--config <json>", "settings of the --resource before it, or @file", chosen.configure)
    .option("--uri <uri>", "connection of the --resource before it (kvm)", chosen.connectTo)
    .option("--id <id>", "id of the agent to run (default: this machine's name)")
    .option("--zone <zone>", 'zone of the agent to run (default: "default")')
    .option("--cluster <cluster>", "its cluster (default: the first resource's name)");
  addConnectOptions(command)
    .option(...jsonOption)
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  muster agent host-1                                   show agent host-1\n" +
        "  muster agent --resource kvm --uri qemu:///system      run the agent of this machine\n" +
        "  muster agent --id h1 --resource ./my-resource --config @my.json\n" +
        "  muster agent add --direct h2 --resource kvm --uri qemu+ssh://root@h2/system",
    )
    .action(async (id: string | undefined, options: AgentCliOptions) => {
      if (options.resource !== undefined) {
        if (id !== undefined && options.id !== undefined && id !== options.id) {
          throw new UsageError(`two ids for one agent: ${id} and ${options.id}. Give one.`);
        }
        const { runAgentProcess } = await import("../run-agent-process.ts");
        const agentId = options.id ?? id;
        const run = { ...options, ...(agentId !== undefined && { id: agentId }) };
        await runAgentProcess(context, options.resource, run);
        return;
      }
      if (id === undefined) {
        throw new UsageError(
          "give the id of an agent to show, or --resource (kvm, simulator, ./module) to run one.",
        );
      }
      const { showAgent } = await import("../show-agent.ts");
      await showAgent(context, id, options);
    });
  addDirectAgentCommands(command, context);
}
