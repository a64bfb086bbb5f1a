/** The operators' verbs: each is a validated Update of the agent's workflow. */
import { randomUUID } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { OperatorMessage, OperatorVerb } from "../../workflows/agent-messages.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import {
  agentParams,
  configureBody,
  responses,
  verbBody,
  verbHeaders,
  verbQuery,
  verbResult,
} from "./schemas.ts";
import type { Api } from "./validation.ts";

const tags = ["operators"];

/** Method and path of each verb; `enterMaintenance` has routes of its own. */
const routes: readonly {
  readonly method: "POST" | "DELETE";
  readonly path: string;
  readonly verb: OperatorVerb;
  readonly summary: string;
}[] = [
  {
    method: "DELETE",
    path: "/maintenance",
    verb: "cancelMaintenance",
    summary: "Put the host back into service",
  },
  { method: "POST", path: "/enable", verb: "enable", summary: "Allow Commands of all kinds" },
  { method: "POST", path: "/disable", verb: "disable", summary: "Refuse what takes new resources" },
  { method: "POST", path: "/unmanage", verb: "unmanage", summary: "Leave the host alone" },
  { method: "POST", path: "/manage", verb: "manage", summary: "Take the host back into hand" },
  { method: "POST", path: "/reconnect", verb: "reconnect", summary: "Have the agent reconnect" },
  { method: "DELETE", path: "", verb: "remove", summary: "Remove the agent for good" },
];

export function verbsRoutes(api: Api, { lifecycle }: ApiParts): void {
  for (const { method, path, verb, summary } of routes) {
    const schema = { tags, summary, params: agentParams, headers: verbHeaders };
    const response = responses(verbResult);
    const act = (id: string, message: OperatorMessage, request: Pick<FastifyRequest, "headers">) =>
      verb === "remove"
        ? lifecycle.remove(id, message, keyOf(request))
        : lifecycle.verb(id, verb, message, keyOf(request));
    if (method === "POST") {
      api.post(
        `/agents/:id${path}`,
        { schema: { ...schema, body: verbBody, response } },
        async (request) => act(request.params.id, request.body ?? {}, request),
      );
    } else {
      api.delete(
        `/agents/:id${path}`,
        { schema: { ...schema, querystring: verbQuery, response } },
        async (request) => act(request.params.id, request.query, request),
      );
    }
  }

  api.patch(
    "/agents/:id",
    {
      schema: {
        tags,
        summary: "Change the ping settings of one agent",
        params: agentParams,
        headers: verbHeaders,
        body: configureBody,
        response: responses(verbResult),
      },
    },
    async (request) => {
      const { pingIntervalMs, pingTimeoutMultiplier } = request.body;
      if (pingIntervalMs === undefined && pingTimeoutMultiplier === undefined) {
        throw new ApiError(
          "INVALID_REQUEST",
          "Nothing to change: give pingIntervalMs, pingTimeoutMultiplier or both.",
        );
      }
      return await lifecycle.configure(request.params.id, request.body, keyOf(request));
    },
  );
}

/** Names one asking: retries of it carry the same key. */
export function keyOf({ headers }: Pick<FastifyRequest, "headers">): string {
  const key = headers["idempotency-key"];
  return typeof key === "string" ? key : randomUUID();
}
