/** Sending Commands, and asking what became of them. */
import { findRequestAgent } from "../../db/index.ts";
import { callerRequest, checkFits } from "./caller-request.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import {
  agentParams,
  cancelQuery,
  cancelResult,
  commandsBody,
  commandsResult,
  requestParams,
  requestView,
  responses,
} from "./schemas.ts";
import type { Api } from "./validation.ts";

const tags = ["commands"];

export function commandsRoutes(api: Api, { config, db, lanes, lifecycle }: ApiParts): void {
  api.post(
    "/agents/:id/commands",
    {
      schema: {
        tags,
        summary: "Send Commands and wait for their Answers",
        description:
          "Answers within the wait, one for each Command: its own, or one whose `outcome` says what is known. " +
          "Asking again with the same `requestId` on the durable lane gives the same Request.",
        params: agentParams,
        body: commandsBody,
        response: responses(commandsResult, "One Answer for each Command, in order."),
      },
    },
    async ({ params: { id }, body, headers }) => {
      const request = callerRequest(body);
      checkFits(request, Number(headers["content-length"] ?? Infinity), config.frameBytesMax);
      const answers = await (body.lane === "direct"
        ? lanes.sendDirect(id, request)
        : lanes.sendDurable(id, request));
      return { requestId: request.requestId, answers };
    },
  );

  api.get(
    "/requests/:id",
    {
      schema: {
        tags,
        summary: "What became of a Request of the durable lane",
        params: requestParams,
        response: responses(requestView),
      },
    },
    async ({ params: { id } }) => {
      const agentId = await agentOf(id);
      const view = await lifecycle.request(agentId, id);
      if (view === null) throw forgotten(id, agentId);
      return { agentId, ...view };
    },
  );

  api.delete(
    "/requests/:id",
    {
      schema: {
        tags,
        summary: "Cancel a Request: each of its Commands still gets one Answer",
        params: requestParams,
        querystring: cancelQuery,
        response: responses(cancelResult),
      },
    },
    async ({ params: { id }, query: { reason = "cancelled by an operator" } }) => {
      const agentId = await agentOf(id);
      const result = await lifecycle.cancel(agentId, { requestId: id, reason });
      if (result === "unknown") throw forgotten(id, agentId);
      return { requestId: id, agentId, result };
    },
  );

  async function agentOf(requestId: string): Promise<string> {
    const agentId = await findRequestAgent(db, requestId);
    if (agentId === undefined) {
      throw new ApiError("REQUEST_UNKNOWN", `Request ${requestId} was never sent.`);
    }
    return agentId;
  }
}

function forgotten(requestId: string, agentId: string): ApiError {
  const message = `Agent ${agentId} does not know request ${requestId}: it was refused, or settled so long ago that it is forgotten.`;
  return new ApiError("REQUEST_UNKNOWN", message);
}
