/** Emptying gateways, and how the agents are spread. */
import { Type } from "typebox";
import { drainVerbs, type DrainVerb } from "./balancer-calls.ts";
import type { ApiParts } from "./parts.ts";
import { gatewayParams, responses, verbHeaders } from "./schemas.ts";
import type { Api } from "./validation.ts";
import { keyOf } from "./verbs-routes.ts";

const tags = ["gateways"];
const by = Type.Optional(Type.String({ maxLength: 200 }));

const drainBody = Type.Object(
  {
    agentsPerSecond: Type.Optional(Type.Number({ minimum: 0.1, maximum: 10_000 })),
    by,
  },
  { additionalProperties: false },
);
const byBody = Type.Object({ by }, { additionalProperties: false });

const drainResult = Type.Object({
  gatewayId: Type.String(),
  state: Type.Enum(["draining", "paused", "drained", "cancelled", "gone"]),
  agentsPerSecond: Type.Number(),
  total: Type.Integer({ description: "Agents at its start." }),
  moved: Type.Integer(),
  failed: Type.Integer({ description: "Tries that failed: those agents are tried again." }),
  left: Type.Integer(),
  startedAt: Type.String(),
  endedAt: Type.Optional(Type.String()),
  etaSeconds: Type.Optional(Type.Integer()),
  reason: Type.Optional(Type.String()),
  by: Type.Optional(Type.String()),
});
const round = { startedAt: Type.String(), moved: Type.Integer() };
const balancerResult = Type.Object({
  drains: Type.Array(drainResult),
  round: Type.Optional(Type.Object({ ...round, left: Type.Integer() })),
  lastRound: Type.Optional(
    Type.Object({ ...round, endedAt: Type.String(), failed: Type.Integer() }),
  ),
  lastLookAt: Type.Optional(Type.String()),
  nextLookAt: Type.Optional(Type.String()),
});

export function drainRoutes(api: Api, { balancer }: ApiParts): void {
  api.get(
    "/balancer",
    {
      schema: {
        tags,
        summary: "How the agents are spread over the gateways: rounds of moves, and drains",
        response: responses(balancerResult),
      },
    },
    async () => balancer.state(),
  );
  api.get(
    "/gateways/:id/drain",
    {
      schema: {
        tags,
        summary: "How the newest drain of a gateway fares",
        params: gatewayParams,
        response: responses(drainResult),
      },
    },
    async ({ params: { id } }) => balancer.drainOf(id),
  );
  api.post(
    "/gateways/:id/drain",
    {
      schema: {
        tags,
        summary: "Empty a gateway: its agents move to the others, and it takes no new ones",
        description:
          "Each agent opens its new session before it ends the old one, so nothing is interrupted. Asked again, it takes the " +
          "new rate, and goes on when it was paused.",
        params: gatewayParams,
        headers: verbHeaders,
        body: Type.Optional(drainBody),
        response: responses(drainResult),
      },
    },
    async (request) =>
      balancer.drain({ gatewayId: request.params.id, ...request.body }, keyOf(request)),
  );
  api.delete(
    "/gateways/:id/drain",
    {
      schema: {
        tags,
        summary: "Cancel a drain: the gateway takes agents again",
        params: gatewayParams,
        headers: verbHeaders,
        querystring: byBody,
        response: responses(drainResult),
      },
    },
    async (request) =>
      balancer.verb("cancel", { gatewayId: request.params.id, ...request.query }, keyOf(request)),
  );
  drainVerbRoutes(api, balancer);
}

function drainVerbRoutes(api: Api, balancer: ApiParts["balancer"]): void {
  for (const verb of Object.keys(drainVerbs) as DrainVerb[]) {
    if (verb === "cancel") continue;
    api.post(
      `/gateways/:id/drain/${verb}`,
      {
        schema: {
          tags,
          summary: `${verb === "pause" ? "Pause" : "Go on with"} a drain`,
          params: gatewayParams,
          headers: verbHeaders,
          body: Type.Optional(byBody),
          response: responses(drainResult),
        },
      },
      async (request) =>
        balancer.verb(verb, { gatewayId: request.params.id, ...request.body }, keyOf(request)),
    );
  }
}
