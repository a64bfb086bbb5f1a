/** Why agents are what they are: the story of the newest loss, and the hosts that were declared Down. */
import { findAgent, listEventsOfLoss, listRecoveries } from "../../db/index.ts";
import { explainLoss } from "../../lifecycle/explain.ts";
import type { ApiParts } from "./parts.ts";
import { agentParams, responses } from "./schemas.ts";
import type { Api } from "./validation.ts";
import { recoveriesQuery, recoveriesResult, whyResult } from "./why-schemas.ts";
import { whyUnknown } from "./why-unknown.ts";

/** Events of one loss that are read: its first, and the newest ones. */
const eventsOfLossMax = 500;
const recoveriesMax = 100;

export function whyRoutes(api: Api, { db }: ApiParts): void {
  api.get(
    "/agents/:id/why",
    {
      schema: {
        tags: ["agents"],
        summary: "The newest loss of an agent: what was lost, who was asked, what was decided",
        params: agentParams,
        response: responses(whyResult),
      },
    },
    async ({ params: { id } }) => {
      const [row, events] = await Promise.all([
        findAgent(db, id),
        listEventsOfLoss(db, id, eventsOfLossMax),
      ]);
      if (row === undefined) throw await whyUnknown(db, id);
      const { status, statusReason, statusSince, resourceState, braked } = row;
      const logged = events.map((event) => ({ ...event, at: event.at.toISOString() }));
      const loss = explainLoss(logged);
      return { agentId: id, status, statusReason, statusSince, resourceState, braked, loss };
    },
  );

  api.get(
    "/recoveries",
    {
      schema: {
        tags: ["agents"],
        summary: "Hosts that were declared Down, newest first: the evidence, and what ran on them",
        querystring: recoveriesQuery,
        response: responses(recoveriesResult),
      },
    },
    async ({ query: { agentId, limit = recoveriesMax } }) => ({
      recoveries: await listRecoveries(db, { limit, ...(agentId !== undefined && { agentId }) }),
    }),
  );
}
