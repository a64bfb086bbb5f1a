/** `muster zone` and `muster cluster`: the places that agents may be in. */
import type { Command } from "commander";
import { pathPart } from "../api/client.ts";
import { openApi } from "../api/open-api.ts";
import type { ClusterJson, ClustersJson, RemovedJson, ZoneJson, ZonesJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { table } from "../text/table.ts";
import { roughly } from "../text/times.ts";

export function addPlaceCommands(program: Command, context: CliContext): void {
  addZone(program, context);
  addCluster(program, context);
}

function addZone(program: Command, context: CliContext): void {
  const zone = program.command("zone").description("declare zones: zone add|list|remove");
  zone
    .command("add <zone>")
    .description("declare a zone; safe to repeat")
    .option(...jsonOption)
    .action(async (name: string, { json }: JsonOption) => {
      const added = await openApi(context).call<ZoneJson>("POST", "zones", { body: { name } });
      printResult(context, json, added, () => `zone ${added.name} is declared\n`);
    });
  zone
    .command("list")
    .description("list zones")
    .option(...jsonOption)
    .action(async ({ json }: JsonOption) => {
      const { zones } = await openApi(context).call<ZonesJson>("GET", "zones");
      printResult(context, json, { zones }, () => zonesTable(zones, context));
    });
  zone
    .command("remove <zone>")
    .description("remove a zone that has neither clusters nor agents")
    .option(...jsonOption)
    .action(async (name: string, { json }: JsonOption) => {
      const path = `zones/${pathPart(name)}`;
      const result = await openApi(context).call<RemovedJson>("DELETE", path);
      printResult(context, json, result, () => `zone ${name} is removed\n`);
    });
}

function addCluster(program: Command, context: CliContext): void {
  const cluster = program
    .command("cluster")
    .description("declare clusters and the type of their hosts: cluster add|list|remove");
  cluster
    .command("add <zone> <cluster>")
    .description("declare a cluster of a zone; safe to repeat")
    .requiredOption("--type <type>", "resource type of all its hosts, such as kvm")
    .option(...jsonOption)
    .action(async (zone: string, name: string, { json, type }: JsonOption & { type: string }) => {
      const path = `zones/${pathPart(zone)}/clusters`;
      const body = { name, resourceType: type };
      const added = await openApi(context).call<ClusterJson>("POST", path, { body });
      const text = `cluster ${name} of zone ${zone} is declared: ${added.resourceType} hosts\n`;
      printResult(context, json, added, () => text);
    });
  cluster
    .command("list")
    .description("list clusters")
    .option("--zone <zone>", "only those of this zone")
    .option(...jsonOption)
    .action(async ({ json, zone }: JsonOption & { zone?: string }) => {
      const path = zone === undefined ? "clusters" : `zones/${pathPart(zone)}/clusters`;
      const { clusters } = await openApi(context).call<ClustersJson>("GET", path);
      printResult(context, json, { clusters }, () => clustersTable(clusters, context));
    });
  cluster
    .command("remove <zone> <cluster>")
    .description("remove a cluster that holds no agents")
    .option(...jsonOption)
    .action(async (zone: string, name: string, { json }: JsonOption) => {
      const path = `zones/${pathPart(zone)}/clusters/${pathPart(name)}`;
      const result = await openApi(context).call<RemovedJson>("DELETE", path);
      printResult(context, json, result, () => `cluster ${name} of zone ${zone} is removed\n`);
    });
}

type Page = Pick<CliContext, "now" | "width">;

export function zonesTable(zones: readonly ZoneJson[], { now, width }: Page): string {
  if (zones.length === 0) return "no zones\n";
  const nowMs = now();
  return table<ZoneJson>(
    [
      { title: "ZONE", text: (zone) => zone.name },
      { title: "CLUSTERS", text: (zone) => String(zone.clusters), align: "right" },
      { title: "AGENTS", text: (zone) => String(zone.agents), align: "right" },
      { title: "KNOWN BY", text: ({ learnt }) => knownBy(learnt) },
      { title: "FOR", text: ({ declaredAt }) => roughly(nowMs - Date.parse(declaredAt)) },
    ],
    zones,
    width,
  );
}

export function clustersTable(clusters: readonly ClusterJson[], { now, width }: Page): string {
  if (clusters.length === 0) return "no clusters\n";
  const nowMs = now();
  return table<ClusterJson>(
    [
      { title: "ZONE", text: (cluster) => cluster.zone },
      { title: "CLUSTER", text: (cluster) => cluster.name },
      { title: "TYPE", text: (cluster) => cluster.resourceType },
      { title: "AGENTS", text: (cluster) => String(cluster.agents), align: "right" },
      { title: "KNOWN BY", text: ({ learnt }) => knownBy(learnt) },
      { title: "FOR", text: ({ declaredAt }) => roughly(nowMs - Date.parse(declaredAt)) },
    ],
    clusters,
    width,
  );
}

function knownBy(learnt: boolean): string {
  return learnt ? "an agent" : "an operator";
}
