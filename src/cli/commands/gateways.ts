import type { Command } from "commander";
import { openApi } from "../api/open-api.ts";
import type { GatewayJson, GatewaysJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { table } from "../text/table.ts";
import { roughly } from "../text/times.ts";

export function addGatewaysCommand(program: Command, context: CliContext): void {
  program
    .command("gateways")
    .description("list gateways")
    .option(...jsonOption)
    .action(async ({ json }: JsonOption) => {
      const { gateways } = await openApi(context).call<GatewaysJson>("GET", "gateways");
      printResult(context, json, { gateways }, () => gatewaysTable(gateways, context));
    });
}

export function gatewaysTable(
  gateways: readonly GatewayJson[],
  { now, width }: Pick<CliContext, "now" | "width">,
): string {
  if (gateways.length === 0) return "no gateways\n";
  const nowMs = now();
  const since = (iso: string): string => roughly(nowMs - Date.parse(iso));
  return table<GatewayJson>(
    [
      { title: "GATEWAY", text: (gateway) => gateway.id },
      {
        title: "STATE",
        text: ({ standing, state, draining }) => standing ?? (draining ? "draining" : state),
      },
      { title: "FOR", text: (gateway) => since(gateway.stateSince), align: "right" },
      { title: "AGENTS", text: (gateway) => String(gateway.agents), align: "right" },
      { title: "WEIGHT", text: (gateway) => String(gateway.weight), align: "right" },
      {
        title: "REQUESTS/S",
        text: (gateway) => rounded(gateway.requestsPerSecond),
        align: "right",
      },
      { title: "LAG", text: (gateway) => ms(gateway.lagMs), align: "right" },
      { title: "LEASE", text: (gateway) => ms(gateway.leaseAgoMs), align: "right" },
      { title: "VERSION", text: (gateway) => gateway.version, cuttable: true },
      { title: "FOR AGENTS", text: (gateway) => gateway.agentUrl, cuttable: true },
      { title: "OPERATOR API", text: (gateway) => gateway.apiUrl, cuttable: true },
      { title: "WHY", text: (gateway) => gateway.stateReason, cuttable: true },
    ],
    gateways,
    width,
  );
}

/** What a gateway has not said, or not for a while, is a dash. */
function rounded(value: number | null | undefined): string {
  return value === null || value === undefined ? "-" : String(Math.round(value));
}

function ms(value: number | null | undefined): string {
  return value === null || value === undefined ? "-" : `${rounded(value)} ms`;
}
