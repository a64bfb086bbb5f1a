/** `muster drain <gateway>`: has a gateway's agents move to the others, so that it may be stopped. */
import type { Command } from "commander";
import { pathPart } from "../api/client.ts";
import { openApi } from "../api/open-api.ts";
import type { DrainJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { operatorName } from "../operator.ts";
import { decimal } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { drainLine } from "../text/drain.ts";
import { hanging } from "../text/wrap.ts";
import { watchDrain } from "../watch-drain.ts";

interface DrainOptions extends JsonOption {
  readonly rate?: number;
  readonly monitor?: boolean;
  readonly pause?: boolean;
  readonly resume?: boolean;
  readonly cancel?: boolean;
}

export function addDrainCommand(program: Command, context: CliContext): void {
  program
    .command("drain <gateway>")
    .description("empty a gateway: its agents move to the others, it takes no new ones")
    .option("--rate <n>", "agents moved in a second, at most (default: 50)", decimal(0.1, 10_000))
    .option("--monitor", "stay until it is empty; Ctrl-C detaches, the drain goes on")
    .option("--pause", "move nobody for now; new agents are still not taken")
    .option("--resume", "go on with a paused drain")
    .option("--cancel", "take agents again; those that were moved stay until shares say otherwise")
    .option(...jsonOption)
    .addHelpText(
      "after",
      "\nAn agent opens its new session before it ends the old one, so that nothing is interrupted.\n" +
        "Asked again, the drain takes the new rate and goes on. With --monitor it exits with 0 once the gateway is empty.\n\n" +
        "Examples:\n  muster drain gw-2 --rate 100 --monitor\n  muster drain gw-2 --pause",
    )
    .action(async (gatewayId: string, options: DrainOptions) => {
      const { json, monitor } = options;
      const api = openApi(context);
      const drain = await ask(api, gatewayId, options);
      if (monitor === true) {
        await watchDrain(context, api, gatewayId, options);
        return;
      }
      printResult(context, json, drain, () =>
        hanging(`${gatewayId}  `, drainLine(drain), context.width),
      );
    });
}

async function ask(
  api: ReturnType<typeof openApi>,
  gatewayId: string,
  options: DrainOptions,
): Promise<DrainJson> {
  const verbs = (["pause", "resume", "cancel"] as const).filter((verb) => options[verb] === true);
  if (verbs.length > 1 || (verbs.length === 1 && options.rate !== undefined)) {
    throw new UsageError("give one of --pause, --resume, --cancel, or none and a --rate.");
  }
  const path = `gateways/${pathPart(gatewayId)}/drain`;
  const by = operatorName();
  const [verb] = verbs;
  if (verb === "cancel") return await api.call("DELETE", path, { query: { by } });
  if (verb !== undefined) return await api.call("POST", `${path}/${verb}`, { body: { by } });
  const { rate } = options;
  const body = { by, ...(rate !== undefined && { agentsPerSecond: rate }) };
  return await api.call("POST", path, { body });
}
