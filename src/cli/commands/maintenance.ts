/** `muster maintenance enter|watch|cancel`: a host out of service, and back. */
import type { Command } from "commander";
import { evacuationPolicies, type EvacuationPolicy } from "../../api/index.ts";
import { callWhereHeld } from "../api/call-where-held.ts";
import { pathPart } from "../api/client.ts";
import { openApi } from "../api/open-api.ts";
import type { MaintenancePlanJson, VerbResult } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { duration, oneOf } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { table } from "../text/table.ts";
import { hanging } from "../text/wrap.ts";
import { watchMaintenance } from "../watch-maintenance.ts";
import { change, operatorMessage, verb, type VerbOptions } from "./verbs.ts";

interface EnterOptions extends VerbOptions {
  readonly policy?: EvacuationPolicy;
  /** In seconds. */
  readonly deadline?: number;
  readonly dryRun?: boolean;
  readonly monitor?: boolean;
}

const deadlineMaxSeconds = 604_800;

export function addMaintenanceCommands(program: Command, context: CliContext): void {
  const maintenance = program
    .command("maintenance")
    .description("take a host out of service, or back: maintenance enter|watch|cancel <id>");
  verb(maintenance, "enter <id>", "move or stop what runs on the host, then take it out of service")
    .option(
      "--policy <policy>",
      `${evacuationPolicies.join(", ")} (default: the fleet's)`,
      oneOf(evacuationPolicies),
    )
    .option(
      "--deadline <time>",
      "how long it may take, such as 30m (default: the fleet's)",
      duration(1, deadlineMaxSeconds),
    )
    .option("--dry-run", "only say what would move where, and what blocks")
    .option(
      "--monitor",
      "stay until the host is in Maintenance; Ctrl-C detaches, nothing is cancelled",
    )
    .addHelpText(
      "after",
      "\nEntered again in an Error state, it tries anew what could not be done.\n" +
        "With --monitor it exits with 0 when the host is in Maintenance, with 1 when that failed.",
    )
    .action(async (id: string, options: EnterOptions) => {
      if (options.dryRun === true && options.monitor === true) {
        throw new UsageError(
          "--dry-run changes nothing that --monitor could follow: give one of them.",
        );
      }
      if (options.dryRun === true) await dryRun(context, id, options);
      else await enter(context, id, options);
    });
  maintenance
    .command("watch <id>")
    .description("follow a host that is on its way to Maintenance; Ctrl-C detaches")
    .option(...jsonOption)
    .action(async (id: string, options: JsonOption) => {
      await watchMaintenance(context, openApi(context), id, options);
    });
  verb(maintenance, "cancel <id>", "put the host back into service; what was moved stays").action(
    async (id: string, options: VerbOptions) => {
      await change(context, "DELETE", id, "/maintenance", options);
    },
  );
}

function orderOf(options: EnterOptions) {
  const { policy, deadline } = options;
  return {
    ...operatorMessage(options),
    ...(policy !== undefined && { policy }),
    ...(deadline !== undefined && { deadlineSeconds: deadline }),
  };
}

async function enter(context: CliContext, id: string, options: EnterOptions): Promise<void> {
  const { json, monitor } = options;
  const api = openApi(context);
  const path = `agents/${pathPart(id)}/maintenance`;
  const result = await api.call<VerbResult>("POST", path, { body: orderOf(options) });
  printResult(context, json, result, () => {
    const { status, resourceState, details } = result;
    const followed = monitor === true || resourceState === "Maintenance";
    const how = followed ? "" : `; follow it with \`muster maintenance watch ${id}\``;
    return hanging(`${id}  `, `${details} (${status}, ${resourceState})${how}`, context.width);
  });
  if (monitor === true) await watchMaintenance(context, api, id, options);
}

async function dryRun(context: CliContext, id: string, options: EnterOptions): Promise<void> {
  const path = `agents/${pathPart(id)}/maintenance`;
  const body = { ...orderOf(options), dryRun: true };
  const plan = await callWhereHeld<MaintenancePlanJson>(openApi(context), "POST", path, { body });
  printResult(context, options.json, plan, () => planText(plan, context.width));
}

/** What would be done, machine by machine, and what blocks it. */
function planText(plan: MaintenancePlanJson, width: number): string {
  const { agentId, status, resourceState, policy, deadlineSeconds, vms, blockers } = plan;
  const count = vms.length === 1 ? "1 machine" : `${vms.length} machines`;
  const head = hanging(
    `${agentId}  `,
    `${status}, ${resourceState}: ${count} to take off the host, policy ${policy}, ${deadlineSeconds} s at most. Nothing was changed.`,
    width,
  );
  const rows =
    vms.length === 0
      ? ""
      : table<MaintenancePlanJson["vms"][number]>(
          [
            { title: "MACHINE", text: ({ vm }) => vm, cuttable: true },
            { title: "RESOURCE", text: ({ resource }) => resource, cuttable: true },
            { title: "WOULD", text: ({ action }) => (action === "none" ? "stay" : action) },
            { title: "TO", text: ({ destination = "-" }) => destination, cuttable: true },
          ],
          vms,
          width,
        );
  const blocked = blockers.map(({ code, detail }) =>
    hanging("blocked  ", `${detail} [${code}]`, width),
  );
  return `${head}${rows}${blocked.join("")}`;
}
