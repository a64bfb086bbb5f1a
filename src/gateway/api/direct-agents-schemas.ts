/** Shapes of what the operator API takes and gives about direct agents. */
import { Type } from "typebox";
import { agentIdPattern } from "../../wire/limits.ts";

const strict = { additionalProperties: false };
const name = Type.String({ minLength: 1, maxLength: 128 });
const time = Type.String({ format: "date-time" });
const settings = Type.Record(Type.String(), Type.Unknown());

export const newDirectAgent = Type.Object(
  {
    id: Type.String({ pattern: agentIdPattern }),
    zone: name,
    cluster: name,
    resource: Type.String({
      minLength: 1,
      maxLength: 500,
      description: "simulator, kvm, or a module that the gateways' operator allows.",
    }),
    config: Type.Optional(settings),
  },
  strict,
);

export const directAgent = Type.Object({
  id: Type.String(),
  zone: Type.String(),
  cluster: Type.String(),
  resource: Type.String(),
  config: Type.Record(Type.String(), Type.Unknown(), { description: "Its secrets are masked." }),
  declaredAt: time,
  gatewayId: Type.Union([Type.String(), Type.Null()], {
    description: "The gateway that owns and runs it; null while none does.",
  }),
  claimedAt: Type.Union([time, Type.Null()]),
  trouble: Type.Union([Type.String(), Type.Null()], {
    description: "Why its process does not run, as its owner said last.",
  }),
});

export const directAgentsQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({ maxLength: 128, description: "`next` of the page before: continue there." }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  },
  strict,
);
export const directAgentsPage = Type.Object({
  directAgents: Type.Array(directAgent),
  next: Type.Union([Type.String(), Type.Null()]),
});
