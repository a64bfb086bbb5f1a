import type { Command } from "commander";
import { openApi } from "../api/open-api.ts";
import type { EventJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { followEvents, pastEvents } from "../follow-events.ts";
import { wholeNumber } from "../option-values.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { plain } from "../text/plain.ts";
import { stampOf } from "../text/times.ts";

interface EventsOptions extends JsonOption {
  readonly follow?: boolean;
  readonly after?: number;
  readonly agent?: string;
  readonly types?: string;
}

export function addEventsCommand(program: Command, context: CliContext): void {
  program
    .command("events")
    .description("print the event log: what there is, or with --follow what happens")
    .option("--follow", "go on with events as they happen, until Ctrl-C")
    .option("--after <id>", "only events after the one with this id", wholeNumber(0, 2 ** 53 - 1))
    .option("--agent <id>", "only events of this agent")
    .option("--types <a,b>", "only events of these types, such as status,verdict")
    .option(...jsonOption)
    .addHelpText(
      "after",
      "\nWithout --after, --follow begins with news, otherwise with the first event ever.\n" +
        "With --json: one object for each event, on a line of its own.",
    )
    .action(async ({ follow = false, after, agent, types, json }: EventsOptions) => {
      const api = openApi(context);
      const print = (event: EventJson): void => {
        context.print(json === true ? `${JSON.stringify(event)}\n` : eventLine(event));
      };
      const from = {
        ...(after !== undefined && { after }),
        ...(agent !== undefined && { agent }),
        ...(types !== undefined && { types }),
      };
      if (!follow) {
        await pastEvents(api, { after: 0, ...from }, print);
        return;
      }
      await followEvents(api, from, print, context.stopSignal(), (why) => {
        context.complain(`muster: ${plain(why)} Trying again.\n`);
      });
    });
}

/** One event on a line of its own; the id is what --after takes. */
function eventLine({ id, at, agentId, type, text }: EventJson): string {
  const place = String(id).padStart(6);
  return `${place}  ${stampOf(new Date(at))}  ${plain(agentId)}  ${type}  ${plain(text)}\n`;
}
