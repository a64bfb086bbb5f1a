/** `muster agent <id>`: what is known of one agent. */
import { pathPart } from "./api/client.ts";
import { openApi } from "./api/open-api.ts";
import type { AgentDetails } from "./api/types.ts";
import type { CliContext } from "./context.ts";
import { printResult } from "./print.ts";
import { evacuationLine } from "./text/evacuation.ts";
import { facts } from "./text/facts.ts";
import { refusalSentence } from "./text/refusal.ts";
import { roughly, stampOf, took } from "./text/times.ts";

export async function showAgent(
  context: CliContext,
  id: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const agent = await openApi(context).call<AgentDetails>("GET", `agents/${pathPart(id)}`);
  printResult(context, json, agent, () => agentFacts(agent, context));
}

/** One agent in words: the lifecycle's where it could be asked, else the read model's. */
export function agentFacts(
  agent: AgentDetails,
  { now, width }: Pick<CliContext, "now" | "width">,
): string {
  const { lifecycle } = agent;
  const nowMs = now();
  const ago = (iso: string): string =>
    `${stampOf(new Date(iso))} (${roughly(nowMs - Date.parse(iso))} ago)`;
  const status = lifecycle?.status ?? agent.status;
  const host = hostOf(lifecycle?.host ?? agent.host);
  const verdict = lifecycle?.lastVerdict;
  const settings = lifecycle?.settings;
  return facts(
    [
      ["agent", agent.id],
      ["status", `${status} since ${ago(lifecycle?.statusSince ?? agent.statusSince)}`],
      ["why", lifecycle?.statusReason ?? agent.statusReason],
      ["refused", agent.refusal == null ? undefined : refusalSentence(agent.refusal, nowMs)],
      ["resource", lifecycle?.resourceState ?? agent.resourceState],
      ["maintenance", lifecycle?.maintenance && evacuationLine(lifecycle.maintenance)],
      ...(lifecycle?.maintenance?.failed ?? []).map(
        ({ vm, reason }) => ["", `${vm}: ${reason}`] as const,
      ),
      ["place", `zone ${agent.zone}, cluster ${agent.cluster}`],
      ["type", agent.resourceType],
      ["software", host.software],
      ["address", host.address],
      ["gateway", agent.gatewayId ?? "none: not connected"],
      ["session", agent.epoch === null ? undefined : sessionOf(agent, ago)],
      ["last ping", lifecycle?.lastPingAt === undefined ? undefined : ago(lifecycle.lastPingAt)],
      [
        "pings",
        settings &&
          `every ${took(settings.pingIntervalMs)}, lost after ${settings.pingTimeoutMultiplier} intervals`,
      ],
      ["pending", lifecycle == null ? undefined : `${lifecycle.pendingRequests} Requests`],
      [
        "verdict",
        verdict &&
          `${verdict.investigator}: ${verdict.verdict}. ${verdict.evidence} (${ago(verdict.at)})`,
      ],
      ["workloads", workloadsOf(agent, ago)],
      ...(agent.stale ?? []).map(({ part, reason }) => ["stale", `${part}: ${reason}`] as const),
    ],
    width,
  );
}

/** Workloads to name; the rest is counted. */
const workloadsShown = 20;

function workloadsOf(
  { inventory }: AgentDetails,
  ago: (iso: string) => string,
): string | undefined {
  if (inventory == null) return undefined;
  const { workloads, at } = inventory;
  const names = workloads.slice(0, workloadsShown).map(({ name, power }) => `${name} ${power}`);
  if (workloads.length > workloadsShown) names.push(`${workloads.length - workloadsShown} more`);
  return `${names.length === 0 ? "none" : names.join(", ")}; so since ${ago(at)}`;
}

function sessionOf(agent: AgentDetails, ago: (iso: string) => string): string {
  const since = agent.connectedAt === null ? "" : `, accepted ${ago(agent.connectedAt)}`;
  return `${agent.epoch ?? 0}${since}`;
}

/** Of what an agent said of itself, the parts to show. */
function hostOf(host: unknown): { readonly software?: string; readonly address?: string } {
  const { software, address } = (host ?? {}) as Readonly<Record<string, unknown>>;
  return {
    ...(typeof software === "string" && { software }),
    ...(typeof address === "string" && { address }),
  };
}
