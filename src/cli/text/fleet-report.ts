/** What became of one Command for many agents, for people. */
import type { FleetCounts, FleetSummary } from "../../client/index.ts";
import { latenciesText } from "./latencies.ts";
import { plain } from "./plain.ts";
import { took } from "./times.ts";
import { hanging } from "./wrap.ts";

/** Why one agent failed or is missing. */
export interface AgentReason {
  readonly agentId: string;
  /** Stable. */
  readonly code: string;
  /** For people. */
  readonly reason: string;
}

/** What is shown of many: agents of each reason, and reasons, the commonest first. */
const shown = { agents: 8, reasons: 10 };

/** Such as "9997 answered, 2 of them failed, 1 missing". */
export function countsText({
  answered,
  failed,
  missing,
}: Pick<FleetCounts, "answered" | "failed" | "missing">): string {
  return `${answered} answered${failed === 0 ? "" : `, ${failed} of them failed`}, ${missing} missing`;
}

/** Counts, latencies, then who failed and who is missing, and why. */
export function fleetReport(
  commandType: string,
  summary: FleetSummary,
  failures: readonly AgentReason[],
  width: number,
): string {
  const { agents, missing, tookMs, latency } = summary;
  const counts = countsText({ ...summary, missing: missing.length });
  return [
    `${plain(commandType)}  ${agentsText(agents)} in ${took(tookMs)}: ${counts}\n`,
    latenciesText(latency),
    reasonsText("failed", failures, width),
    reasonsText("missing", missing, width),
  ].join("");
}

/** The first ids of many, and how many there are beside them. */
export function someOf(ids: readonly string[]): string {
  const more = ids.length - shown.agents;
  return `${ids.slice(0, shown.agents).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function reasonsText(title: string, agents: readonly AgentReason[], width: number): string {
  if (agents.length === 0) return "";
  const groups = [...byCode(agents)].sort(([, a], [, b]) => b.length - a.length);
  const lines = groups.slice(0, shown.reasons).map(([code, group]) => {
    const ids = someOf(group.map(({ agentId }) => agentId).sort());
    const head = hanging(`  ${plain(code)}  `, `${agentsText(group.length)}: ${ids}`, width);
    const example = group[0]?.reason ?? "";
    return example === "" ? head : `${head}${hanging("    ", example, width)}`;
  });
  const hidden = groups.length - lines.length;
  const rest = hidden === 0 ? "" : `  and ${hidden} more reasons\n`;
  return `${title}: ${agentsText(agents.length)}\n${lines.join("")}${rest}`;
}

function byCode(agents: readonly AgentReason[]): ReadonlyMap<string, readonly AgentReason[]> {
  const groups = new Map<string, AgentReason[]>();
  for (const agent of agents) {
    const group = groups.get(agent.code);
    if (group === undefined) groups.set(agent.code, [agent]);
    else group.push(agent);
  }
  return groups;
}

function agentsText(count: number): string {
  return count === 1 ? "1 agent" : `${count} agents`;
}
