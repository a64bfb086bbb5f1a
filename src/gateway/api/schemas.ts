/** Shapes of what the operator API takes and gives. One source for checks, types and OpenAPI. */
import { Type, type TSchema } from "typebox";
import { resourceStates, statuses } from "../../api/index.ts";
import { agentEventTypes } from "../../workflows/activity-types.ts";
import { gatewayStandings } from "../../lifecycle/gateway-standing.ts";
import { agentIdPattern } from "../../wire/limits.ts";
import { problems } from "./problems.ts";

const strict = { additionalProperties: false };
const name = Type.String({ minLength: 1, maxLength: 128 });
const time = Type.String({ format: "date-time" });
const text = Type.String({ maxLength: 1_000 });
const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()]);

export const agentParams = Type.Object({ id: Type.String({ pattern: agentIdPattern }) });
export const gatewayParams = Type.Object({ id: Type.String({ pattern: agentIdPattern }) });

export const agentsQuery = Type.Object(
  {
    zone: Type.Optional(name),
    cluster: Type.Optional(name),
    resourceType: Type.Optional(name),
    status: Type.Optional(Type.Enum(statuses)),
    resourceState: Type.Optional(Type.Enum(resourceStates)),
    gatewayId: Type.Optional(name),
    withRemoved: Type.Optional(Type.Boolean({ description: "Removed agents too." })),
    refused: Type.Optional(
      Type.Boolean({ description: "Those alone whose last handshake was refused." }),
    ),
    after: Type.Optional(
      Type.String({ maxLength: 128, description: "`next` of the page before: continue there." }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  },
  strict,
);

export const agentQuery = Type.Object(
  {
    live: Type.Optional(
      Type.Boolean({ description: "false: don't ask the agent's lifecycle, the row is enough." }),
    ),
  },
  strict,
);

const refusalFields = {
  code: Type.String({ description: "Stable; as the agent was told." }),
  reason: Type.String({ description: "What is wrong and what to change." }),
  peer: Type.String({ description: "Address that the agent dialled from." }),
  gatewayId: Type.String(),
  zone: Type.String(),
  cluster: Type.String(),
  resourceType: Type.String(),
  firstAt: time,
  lastAt: time,
  count: Type.Integer(),
};
export const refusal = Type.Object({
  agentId: Type.String(),
  registered: Type.Boolean({ description: "Whether an agent of this id was ever admitted." }),
  ...refusalFields,
});
export const refusalsQuery = Type.Object(
  {
    registered: Type.Optional(
      Type.Boolean({ description: "Only ids that are, or are not, registered." }),
    ),
    zone: Type.Optional(name),
    cluster: Type.Optional(name),
    resourceType: Type.Optional(name),
    gatewayId: Type.Optional(name),
    after: Type.Optional(Type.String({ maxLength: 128 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  },
  strict,
);
export const refusalsPage = Type.Object({
  refusals: Type.Array(refusal),
  next: Type.Union([Type.String(), Type.Null()]),
});

const host = Type.Object({}, { description: "What the agent said of itself when it registered." });
const agentFields = {
  id: Type.String(),
  zone: Type.String(),
  cluster: Type.String(),
  resourceType: Type.String(),
  status: Type.Enum(statuses),
  statusReason: Type.String(),
  statusSince: time,
  resourceState: Type.Enum(resourceStates),
  host,
  gatewayId: Type.Union([Type.String(), Type.Null()]),
  epoch: Type.Union([Type.Integer(), Type.Null()]),
  connectedAt: Type.Union([time, Type.Null()]),
  braked: Type.Boolean({
    description: "A Down verdict is held back, because much of its zone or cluster is lost.",
  }),
  refusal: Type.Union([Type.Object(refusalFields), Type.Null()], {
    description: "Its last handshake was refused; null when it was good.",
  }),
  maintenance: Type.Unknown({
    description:
      "How far the evacuation is of a host that is in maintenance or on its way there, else null: phase, policy, total, " +
      "moved, stopped, remaining, failed, waitingFor, outcome, startedAt, deadlineAt.",
  }),
};
const agent = Type.Object(agentFields);
export const agentsPage = Type.Object({
  agents: Type.Array(agent),
  next: Type.Union([Type.String(), Type.Null()], {
    description: "Give it as `after` for the next page; null on the last one.",
  }),
});
const inventory = Type.Object({
  workloads: Type.Array(
    Type.Object({ resource: Type.String(), name: Type.String(), power: Type.String() }),
  ),
  epoch: Type.Integer({ description: "Session in which the agent said so." }),
  at: time,
  ageMs: Type.Number({
    description: "Since it changed its word. While the agent pings, it still says so.",
  }),
});
export const agentDetails = Type.Object({
  ...agentFields,
  inventory: Type.Union([inventory, Type.Null()], {
    description: "What runs on the host, by the agent's pings; null when none told of it.",
  }),
  lifecycle: Type.Union([Type.Object({}), Type.Null()], {
    description: "What the agent's workflow believes now: the truth. null when it can't be asked.",
  }),
  stale: Type.Array(
    Type.Object({ part: Type.Enum(["lifecycle", "readModel"]), reason: Type.String() }),
    { description: "Parts of this answer that may be out of date, and why." },
  ),
});

const event = Type.Object({
  id: Type.Integer({ description: "Place in the stream, for `Last-Event-ID`." }),
  agentId: Type.String(),
  no: Type.Integer(),
  at: time,
  epoch: Type.Integer(),
  type: Type.String(),
  text: Type.String(),
  data: Type.Unknown(),
});
export const agentEventsQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    after: Type.Optional(
      Type.Integer({ minimum: 0, description: "Only events after the one with this id." }),
    ),
  },
  strict,
);
export const agentEvents = Type.Object({ events: Type.Array(event) });
export const streamQuery = Type.Object(
  {
    agentId: Type.Optional(Type.String({ pattern: agentIdPattern })),
    types: Type.Optional(
      Type.String({
        maxLength: 2_000,
        description: `Only events of these types, separated by commas: ${agentEventTypes.join(", ")}.`,
      }),
    ),
    after: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: "As Last-Event-ID, which wins: 0 begins with the first event ever.",
      }),
    ),
  },
  strict,
);

export const operatorFields = {
  by: Type.Optional(
    Type.String({ maxLength: 200, description: "Who asks, for the event log. Taken on trust." }),
  ),
  reason: Type.Optional(text),
};
/** Body of a verb; DELETE has the same in its query. */
export const verbBody = Type.Union([Type.Object(operatorFields, strict), Type.Null()]);
export const verbQuery = Type.Object(operatorFields, strict);
export const configureBody = Type.Object(
  {
    ...operatorFields,
    pingIntervalMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 86_400_000 })),
    pingTimeoutMultiplier: Type.Optional(Type.Number({ minimum: 1.1, maximum: 100 })),
  },
  strict,
);
export const verbHeaders = Type.Object({
  "idempotency-key": Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 128,
      description: "Asking again with the same key is the same asking.",
    }),
  ),
});
export const verbResult = Type.Object({
  status: Type.Enum(statuses),
  resourceState: Type.Enum(resourceStates),
  details: Type.String(),
});

export const gatewaysResult = Type.Object({
  gateways: Type.Array(
    Type.Object({
      id: Type.String(),
      incarnation: Type.String(),
      version: Type.String(),
      agentUrl: Type.String(),
      apiUrl: Type.String(),
      peerUrl: Type.String({ description: "Where other gateways reach it." }),
      standing: Type.Enum([...gatewayStandings], {
        description:
          "Its state in one word. silent: it has not reported for 10 s; fenced: it was cut off, sent its agents away, and joins anew.",
      }),
      state: Type.Enum(["joined", "lost", "left"], { description: "As its lifecycle says." }),
      stateReason: Type.String(),
      startedAt: time,
      stateSince: time,
      weight: Type.Number({
        description: "Its share of the agents, in proportion to the others'.",
      }),
      draining: Type.Boolean({ description: "It is being emptied, and takes no agents." }),
      agents: Type.Integer(),
      reportAgoMs: orNull(Type.Integer({ description: "Since it reported what follows." })),
      leaseAgoMs: orNull(
        Type.Integer({ description: "Since Temporal confirmed its lease; null: it has none." }),
      ),
      lagMs: orNull(Type.Number({ description: "Lateness of its event loop, 99th percentile." })),
      requestsPerSecond: orNull(Type.Number({ description: "Requests of callers, both lanes." })),
      fencedBecause: orNull(Type.String()),
    }),
  ),
});

const problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.Enum(Object.keys(problems)),
    apiUrl: Type.Optional(Type.String()),
  },
  { description: "Problem details (RFC 9457). `code` is stable." },
);

/** The responses of a route: its own, and a problem for everything else. */
export function responses(ok: TSchema, description = "Done.", more: Record<number, object> = {}) {
  return {
    200: { description, content: { "application/json": { schema: ok } } },
    ...more,
    default: {
      description: "Refused, or failed.",
      content: { "application/problem+json": { schema: problem } },
    },
  };
}
