/** Requests that an agent's lifecycle sends again and again by itself. */
import { findCommandTypes } from "../../db/index.ts";
import { recurringSecret } from "../../lifecycle/secret-fields.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import {
  recurringBody,
  recurringList,
  recurringParams,
  recurringRemoved,
  recurringView,
  removeQuery,
} from "./recurring-schemas.ts";
import { agentParams, responses } from "./schemas.ts";
import type { Api } from "./validation.ts";

const tags = ["commands"];

export function recurringRoutes(api: Api, { db, lifecycle }: ApiParts): void {
  api.get(
    "/agents/:id/recurring",
    {
      schema: {
        tags,
        summary: "Recurring Requests of an agent, and how their runs fare",
        params: agentParams,
        response: responses(recurringList),
      },
    },
    async ({ params: { id } }) => ({ recurring: await lifecycle.recurring(id) }),
  );

  api.post(
    "/agents/:id/recurring",
    {
      schema: {
        tags,
        summary: "Have Commands sent again and again; the same name again replaces it",
        params: agentParams,
        body: recurringBody,
        response: responses(recurringView),
      },
    },
    async ({ params: { id }, body: { onError = "stop", ...body } }) => {
      // The lifecycle refuses it too, but then Temporal has seen the secret.
      const secret = recurringSecret(body.commands, await findCommandTypes(db, id));
      if (secret !== undefined) throw new ApiError("INVALID_REQUEST", secret);
      return await lifecycle.addRecurring(id, { ...body, onError });
    },
  );

  api.delete(
    "/agents/:id/recurring/:name",
    {
      schema: {
        tags,
        summary: "End a recurring Request; a run that goes on is not cut short",
        params: recurringParams,
        querystring: removeQuery,
        response: responses(recurringRemoved),
      },
    },
    async ({ params: { id, name }, query }) =>
      await lifecycle.removeRecurring(id, { name, ...query }),
  );
}
