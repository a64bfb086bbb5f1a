/** The brakes on mass loss: which are on, and letting Down verdicts through all the same. */
import type { Command } from "commander";
import { openApi } from "../api/open-api.ts";
import type { BrakeJson, BrakesJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { operatorName } from "../operator.ts";
import { wholeNumber } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { table } from "../text/table.ts";
import { roughly, stampOf } from "../text/times.ts";

interface ReleaseOptions extends JsonOption {
  readonly forMinutes?: number;
}

export function addBrakeCommands(program: Command, context: CliContext): void {
  program
    .command("brakes")
    .description("list zones and clusters in which Down is held back, because so much is lost")
    .option(...jsonOption)
    .action(async ({ json }: JsonOption) => {
      const { brakes } = await openApi(context).call<BrakesJson>("GET", "brakes");
      printResult(context, json, { brakes }, () => brakesTable(brakes, context));
    });
  program
    .command("brake")
    .description("let Down verdicts through in a mass loss: brake release <zone> [cluster]")
    .command("release <zone> [cluster]")
    .description("Down verdicts of this zone, or of one cluster of it, count again for a while")
    .option("--for-minutes <n>", "for so long (default: 60)", wholeNumber(1, 10_080))
    .option(...jsonOption)
    .action(
      async (zone: string, cluster: string | undefined, { json, forMinutes }: ReleaseOptions) => {
        const brake = await openApi(context).call<BrakeJson>("POST", "brakes/release", {
          body: {
            zone,
            by: operatorName(),
            ...(cluster !== undefined && { cluster }),
            ...(forMinutes !== undefined && { forSeconds: forMinutes * 60 }),
          },
        });
        printResult(context, json, brake, () => {
          const until = brake.releasedUntil === null ? "" : stampOf(new Date(brake.releasedUntil));
          return `${placeOf(brake)}: Down verdicts count until ${until}; lost hosts are asked about again\n`;
        });
      },
    );
}

export function brakesTable(
  brakes: readonly BrakeJson[],
  { now, width }: Pick<CliContext, "now" | "width">,
): string {
  if (brakes.length === 0) return "no brake is on\n";
  const nowMs = now();
  return table<BrakeJson>(
    [
      { title: "PLACE", text: placeOf },
      { title: "BRAKE", text: ({ since }) => (since === null ? "released" : "on") },
      {
        title: "FOR",
        text: ({ since }) => (since === null ? "-" : roughly(nowMs - Date.parse(since))),
        align: "right",
      },
      {
        title: "RELEASED UNTIL",
        text: ({ releasedUntil, releasedBy }) =>
          releasedUntil === null
            ? "-"
            : `${stampOf(new Date(releasedUntil))} by ${releasedBy ?? "?"}`,
        cuttable: true,
      },
      { title: "WHY", text: ({ reason }) => reason, cuttable: true },
    ],
    brakes,
    width,
  );
}

function placeOf({ zone, cluster }: BrakeJson): string {
  return cluster === "" ? `zone ${zone}` : `cluster ${zone}/${cluster}`;
}
