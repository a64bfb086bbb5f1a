/** Reading agents: the read model, beside what the agent's own lifecycle believes. */
import {
  findAgent,
  findWorkloads,
  listAgents,
  listEvents,
  listNewestEvents,
  type AgentRow,
} from "../../db/index.ts";
import type { AgentView } from "../../workflows/agent-messages.ts";
import { ApiError } from "./errors.ts";
import { whyUnknown } from "./why-unknown.ts";
import type { ApiParts } from "./parts.ts";
import {
  agentDetails,
  agentEvents,
  agentEventsQuery,
  agentParams,
  agentQuery,
  agentsPage,
  agentsQuery,
  responses,
} from "./schemas.ts";
import type { Api } from "./validation.ts";

const pageSize = 100;
const tags = ["agents"];

export function agentsRoutes(api: Api, { db, lifecycle }: ApiParts): void {
  api.get(
    "/agents",
    {
      schema: {
        tags,
        summary: "Agents in the order of their ids, filtered, a page at a time",
        querystring: agentsQuery,
        response: responses(agentsPage),
      },
    },
    async ({ query: { limit = pageSize, ...filter } }) => {
      const rows = await listAgents(db, { ...filter, limit: limit + 1 });
      const agents = rows.slice(0, limit);
      return { agents, next: rows.length > limit ? (agents.at(-1)?.id ?? null) : null };
    },
  );

  api.get(
    "/agents/:id",
    {
      schema: {
        tags,
        summary: "One agent: its row, and what its lifecycle believes now",
        params: agentParams,
        querystring: agentQuery,
        response: responses(agentDetails),
      },
    },
    async ({ params: { id }, query: { live = true } }) => {
      const [row, inventory, view] = await Promise.all([
        findAgent(db, id),
        findWorkloads(db, id),
        live ? lifecycle.state(id).catch((error: unknown) => whyStale(error)) : undefined,
      ]);
      if (row === undefined) throw await whyUnknown(db, id);
      return { ...withLifecycle(row, view), inventory: inventory ?? null };
    },
  );

  api.get(
    "/agents/:id/events",
    {
      schema: {
        tags,
        summary: "The newest events of an agent, oldest first; with `after`, those after it",
        params: agentParams,
        querystring: agentEventsQuery,
        response: responses(agentEvents),
      },
    },
    async ({ params: { id }, query: { limit = pageSize, after } }) => {
      const [row, events] = await Promise.all([
        findAgent(db, id),
        after === undefined
          ? listNewestEvents(db, id, limit)
          : listEvents(db, { afterId: after, agentId: id, limit }),
      ]);
      if (row === undefined) throw await whyUnknown(db, id);
      return { events };
    },
  );
}

/** Why the lifecycle could not be asked. */
function whyStale(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  throw error;
}

interface StalePart {
  readonly part: "lifecycle" | "readModel";
  readonly reason: string;
}

function withLifecycle(row: AgentRow, lifecycle: AgentView | string | undefined) {
  const stale: StalePart[] = [];
  if (typeof lifecycle === "string") {
    // A removed agent has no lifecycle any more: its row is the last word.
    if (row.status !== "Removed") stale.push({ part: "lifecycle", reason: lifecycle });
    return { ...row, lifecycle: null, stale };
  }
  const isBehind =
    lifecycle !== undefined &&
    (lifecycle.status !== row.status || lifecycle.resourceState !== row.resourceState);
  if (isBehind) {
    const reason = `The lifecycle says ${lifecycle.status} and ${lifecycle.resourceState}; the row follows when its record is written.`;
    stale.push({ part: "readModel", reason });
  }
  return { ...row, lifecycle: lifecycle ?? null, stale };
}
