/** Which agents a call of many goes to, and which gateway holds each. */
import type { ResourceState, Status } from "../api/index.ts";
import type { ApiReader } from "./api-reader.ts";

/** Agents by what the manager knows of them: all fields that are given must fit. */
export interface AgentSelector {
  /** Every agent that is not removed. */
  readonly all?: true | undefined;
  readonly zone?: string | undefined;
  readonly cluster?: string | undefined;
  /** Resource type, such as `kvm`. */
  readonly type?: string | undefined;
  readonly status?: Status | undefined;
  readonly resourceState?: ResourceState | undefined;
  /** Connected to this gateway. */
  readonly gateway?: string | undefined;
}

/** Agents by their ids, or by what they are. */
export type AgentSelection = readonly string[] | AgentSelector;

/** An agent to call. */
export interface SelectedAgent {
  readonly id: string;
  /** The operator API of the gateway that holds it, where that is known. */
  readonly apiUrl?: string | undefined;
  /** Why the direct lane can't reach it now, when the list says so. */
  readonly awayReason?: string | undefined;
}

const pageSize = 1_000;

interface AgentsPage {
  readonly agents: readonly {
    readonly id: string;
    readonly status: string;
    readonly statusReason: string;
    readonly gatewayId: string | null;
  }[];
  readonly next: string | null;
}
interface Gateways {
  readonly gateways: readonly {
    readonly id: string;
    readonly apiUrl: string;
    readonly state: string;
  }[];
}

/**
 * The agents of a selection, a page at a time, each once.
 * @throws AgentManagerError when no gateway gives the list.
 */
export async function* selectAgents(
  api: ApiReader,
  selection: AgentSelection,
  signal?: AbortSignal,
): AsyncGenerator<readonly SelectedAgent[], void, undefined> {
  if (isIds(selection)) {
    yield [...new Set(selection)].map((id) => ({ id }));
    return;
  }
  const filter = filterOf(selection);
  const { gateways } = (await api.get("gateways", {}, signal)) as Gateways;
  const apiUrls = new Map(
    gateways.filter(({ state }) => state === "joined").map(({ id, apiUrl }) => [id, apiUrl]),
  );
  let after: string | null = "";
  while (after !== null) {
    const query: Record<string, string> = { ...filter, limit: String(pageSize) };
    if (after !== "") query["after"] = after;
    const { agents, next } = (await api.get("agents", query, signal)) as AgentsPage;
    yield agents.map(({ id, status, statusReason, gatewayId }) => ({
      id,
      ...(gatewayId === null
        ? { awayReason: `Agent ${id} is ${status}: ${statusReason}.` }
        : { apiUrl: apiUrls.get(gatewayId) }),
    }));
    after = next;
  }
}

/** @throws TypeError for a selector that names nothing: everything is `{all: true}`. */
export function checkSelection(selection: AgentSelection): void {
  if (isIds(selection)) return;
  if (selection.all !== true && Object.keys(filterOf(selection)).length === 0) {
    throw new TypeError("A selector without fields selects nothing: all agents are {all: true}.");
  }
}

function isIds(selection: AgentSelection): selection is readonly string[] {
  return Array.isArray(selection);
}

function filterOf(selector: AgentSelector): Record<string, string> {
  const { zone, cluster, type, status, resourceState, gateway } = selector;
  const fields = { zone, cluster, resourceType: type, status, resourceState, gatewayId: gateway };
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined),
  );
}
