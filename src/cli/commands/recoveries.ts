/** Hosts that were declared Down, newest first. */
import type { Command } from "commander";
import { openApi } from "../api/open-api.ts";
import type { RecoveriesJson, RecoveryJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { wholeNumber } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { table } from "../text/table.ts";
import { stampOf } from "../text/times.ts";

interface RecoveriesOptions extends JsonOption {
  readonly agent?: string;
  readonly limit?: number;
}

export function addRecoveriesCommand(program: Command, context: CliContext): void {
  program
    .command("recoveries")
    .description("list hosts that were declared Down: the proof, and what ran on them")
    .option("--agent <id>", "only those of this agent")
    .option("--limit <n>", "so many at most (default: 100)", wholeNumber(1, 1_000))
    .option(...jsonOption)
    .action(async ({ json, agent, limit }: RecoveriesOptions) => {
      const { recoveries } = await openApi(context).call<RecoveriesJson>("GET", "recoveries", {
        query: { agentId: agent, limit },
      });
      printResult(context, json, { recoveries }, () => recoveriesTable(recoveries, context));
    });
}

export function recoveriesTable(
  recoveries: readonly RecoveryJson[],
  { width }: Pick<CliContext, "width">,
): string {
  if (recoveries.length === 0) return "no host was declared Down\n";
  return table<RecoveryJson>(
    [
      { title: "AGENT", text: ({ agentId }) => agentId },
      { title: "DOWN AT", text: ({ downAt }) => stampOf(new Date(downAt)) },
      { title: "SESSION", text: ({ epoch }) => String(epoch), align: "right" },
      { title: "RAN ON IT", text: workloadsOf, cuttable: true },
      { title: "PROOF", text: proofOf, cuttable: true },
    ],
    recoveries,
    width,
  );
}

function workloadsOf({ workloads }: RecoveryJson): string {
  return workloads.map(({ name, power }) => `${name} (${power})`).join(", ") || "not known";
}

function proofOf({ evidence }: RecoveryJson): string {
  const down = evidence.find(({ verdict }) => verdict === "Down");
  return down === undefined ? "-" : `${down.investigator}: ${down.proof ?? down.evidence}`;
}
