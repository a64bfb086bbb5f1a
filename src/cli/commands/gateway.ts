import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { processLog } from "../process-log.ts";
import { jsonOption, printReady, type JsonOption } from "../ready-line.ts";

export function addGatewayCommand(program: Command, context: CliContext): void {
  program
    .command("gateway")
    .description(
      "run a gateway: agents on MUSTER_AGENT_PORT (8250), operators on MUSTER_API_PORT (8251)",
    )
    .option(...jsonOption)
    .action(async (options: JsonOption) => {
      const config = context.config();
      const log = await processLog(context, "gateway");
      const stop = context.stopSignal();
      const { runGateway } = await import("../../gateway/run.ts");
      await runGateway(config, log, stop, (addresses) => {
        const { gatewayId } = config;
        const { agentUrl, apiUrl } = addresses;
        const sentence = `gateway ${gatewayId} is ready: agents at ${agentUrl}, operator API at ${apiUrl}`;
        printReady(context, options, { gatewayId, ...addresses }, sentence);
      });
    });
}
