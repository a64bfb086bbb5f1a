/** Agents as a table: those that are registered, and those that dial but are not admitted. */
import { statuses } from "../../api/index.ts";
import type { AgentJson, RefusalJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { table } from "./table.ts";
import { roughly } from "./times.ts";

/** One line of the table. */
interface Line {
  readonly id: string;
  readonly status: string;
  /** ISO time. */
  readonly since: string;
  readonly resource: string;
  readonly type: string;
  readonly zone: string;
  readonly cluster: string;
  readonly gateway: string;
  readonly why: string;
}

/** The agents, how many are of each Status, and how many are refused. */
export function agentsTable(
  agents: readonly AgentJson[],
  refusals: readonly RefusalJson[],
  { now, width }: Pick<CliContext, "now" | "width">,
): string {
  if (agents.length + refusals.length === 0) return "no agents\n";
  const nowMs = now();
  const rows = table<Line>(
    [
      { title: "AGENT", text: ({ id }) => id },
      { title: "STATUS", text: ({ status }) => status },
      { title: "FOR", text: ({ since }) => roughly(nowMs - Date.parse(since)), align: "right" },
      { title: "RESOURCE", text: ({ resource }) => resource },
      { title: "TYPE", text: ({ type }) => type, cuttable: true },
      { title: "ZONE", text: ({ zone }) => zone, cuttable: true },
      { title: "CLUSTER", text: ({ cluster }) => cluster, cuttable: true },
      { title: "GATEWAY", text: ({ gateway }) => gateway, cuttable: true },
      { title: "WHY", text: ({ why }) => why, cuttable: true },
    ],
    [...agents.map(lineOfAgent), ...refusals.map(lineOfRefusal)],
    width,
  );
  return `${rows}${counted(agents)}${countedRefused(agents, refusals)}`;
}

function lineOfAgent(agent: AgentJson): Line {
  const { refusal } = agent;
  return {
    id: agent.id,
    status: agent.braked === true ? `${agent.status} (braked)` : agent.status,
    since: agent.statusSince,
    resource: agent.resourceState,
    type: agent.resourceType,
    zone: agent.zone,
    cluster: agent.cluster,
    gateway: agent.gatewayId ?? "-",
    why: refusal == null ? agent.statusReason : refusalText(refusal),
  };
}

function lineOfRefusal(refusal: RefusalJson): Line {
  return {
    id: refusal.agentId,
    status: "refused",
    since: refusal.firstAt,
    resource: "-",
    type: refusal.resourceType || "-",
    zone: refusal.zone || "-",
    cluster: refusal.cluster || "-",
    gateway: refusal.gatewayId,
    why: refusalText(refusal),
  };
}

function refusalText({ code, reason }: { readonly code: string; readonly reason: string }): string {
  return `refused (${code}): ${reason}`;
}

function counted(agents: readonly AgentJson[]): string {
  if (agents.length === 0) return "";
  const counts = statuses.flatMap((status) => {
    const count = agents.filter((agent) => agent.status === status).length;
    return count === 0 ? [] : [`${count} ${status}`];
  });
  return `${agents.length} ${agents.length === 1 ? "agent" : "agents"}: ${counts.join(", ")}\n`;
}

function countedRefused(agents: readonly AgentJson[], refusals: readonly RefusalJson[]): string {
  const registered = agents.filter(({ refusal }) => refusal != null).length;
  const count = registered + refusals.length;
  if (count === 0) return "";
  const never = refusals.length === 0 ? "" : `, ${refusals.length} of them never admitted`;
  return `${count} refused${never}: \`muster why <agent>\` tells what to change\n`;
}
