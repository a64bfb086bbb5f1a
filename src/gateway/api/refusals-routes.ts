/** Agents that are not admitted: who they are, and what to change. */
import { findRefusal, listRefusals } from "../../db/index.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import { agentParams, refusal, refusalsPage, refusalsQuery, responses } from "./schemas.ts";
import type { Api } from "./validation.ts";

const pageSize = 100;
const tags = ["agents"];

export function refusalsRoutes(api: Api, { db }: ApiParts): void {
  api.get(
    "/refusals",
    {
      schema: {
        tags,
        summary: "Agents whose last handshake was refused, in the order of their ids",
        description:
          "With `registered=false` those that were never admitted: `GET agents` does not know them. A refusal goes with " +
          "the next good handshake, and a day after the agent's last try.",
        querystring: refusalsQuery,
        response: responses(refusalsPage),
      },
    },
    async ({ query: { limit = pageSize, ...filter } }) => {
      const rows = await listRefusals(db, { ...filter, limit: limit + 1 });
      const refusals = rows.slice(0, limit);
      return { refusals, next: rows.length > limit ? (refusals.at(-1)?.agentId ?? null) : null };
    },
  );

  api.get(
    "/refusals/:id",
    {
      schema: {
        tags,
        summary: "Why an agent, registered or not, is not admitted",
        params: agentParams,
        response: responses(refusal),
      },
    },
    async ({ params: { id } }) => {
      const row = await findRefusal(db, id);
      if (row !== undefined) return row;
      throw new ApiError("REFUSAL_UNKNOWN", `No agent ${id} was refused lately.`);
    },
  );
}
