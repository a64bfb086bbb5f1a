import { Command } from "commander";
import { addAgentCommand } from "./commands/agent.ts";
import { addAgentsCommand } from "./commands/agents.ts";
import { addAskCommand } from "./commands/ask.ts";
import { addBrakeCommands } from "./commands/brakes.ts";
import { addDrainCommand } from "./commands/drain.ts";
import { addEventsCommand } from "./commands/events.ts";
import { addGatewayCommand } from "./commands/gateway.ts";
import { addGatewaysCommand } from "./commands/gateways.ts";
import { addPayloadKeyCommands } from "./commands/payload-key.ts";
import { addPlaceCommands } from "./commands/places.ts";
import { addRecoveriesCommand } from "./commands/recoveries.ts";
import { addRecurringCommand } from "./commands/recurring.ts";
import { addMaintenanceCommands } from "./commands/maintenance.ts";
import { addRequestCommands } from "./commands/request.ts";
import { addSendCommand } from "./commands/send.ts";
import { addSetupCommand } from "./commands/setup.ts";
import { addSimCommand } from "./commands/sim.ts";
import { addUpCommand } from "./commands/up.ts";
import { addVerbCommands } from "./commands/verbs.ts";
import { addWebhookCommand } from "./commands/webhook.ts";
import { addWhyCommand } from "./commands/why.ts";
import { addWorldCommand } from "./commands/world.ts";
import { addWorkerCommand } from "./commands/worker.ts";
import type { CliContext } from "./context.ts";
import { packageVersion } from "./package-version.ts";

/** The whole command line. Throws CommanderError where commander would end the process. */
export function buildProgram(context: CliContext): Command {
  const program = new Command("muster")
    .description("Manage host agents: run Muster's processes, look at agents, send them Commands.")
    .configureOutput({ writeOut: context.print, writeErr: context.complain })
    .exitOverride()
    // `agent add` has options of the names of `agent`'s own.
    .enablePositionalOptions()
    .version(packageVersion())
    .showHelpAfterError("(see `muster help`, or --help after a command)")
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 failed, 2 wrong usage or settings. Settings come from the environment: docs/CLI.md.",
    );
  program.commandsGroup("Processes:");
  addUpCommand(program, context);
  addGatewayCommand(program, context);
  addWorkerCommand(program, context);
  addSimCommand(program, context);
  addSetupCommand(program, context);
  addPayloadKeyCommands(program, context);
  program.commandsGroup("Simulated hosts:");
  addWorldCommand(program, context);
  program.commandsGroup("Agents:");
  addAgentCommand(program, context);
  addAgentsCommand(program, context);
  addWhyCommand(program, context);
  addAskCommand(program, context);
  addSendCommand(program, context);
  addRequestCommands(program, context);
  addRecurringCommand(program, context);
  addMaintenanceCommands(program, context);
  addVerbCommands(program, context);
  program.commandsGroup("The manager:");
  addPlaceCommands(program, context);
  addGatewaysCommand(program, context);
  addDrainCommand(program, context);
  addEventsCommand(program, context);
  addBrakeCommands(program, context);
  addRecoveriesCommand(program, context);
  addWebhookCommand(program, context);
  return program;
}
