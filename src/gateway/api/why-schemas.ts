/** Shapes of what is told of losses, recoveries and brakes. */
import { Type } from "typebox";
import { resourceStates, statuses, verdicts } from "../../api/index.ts";
import { agentIdPattern } from "../../wire/limits.ts";

const strict = { additionalProperties: false };
const name = Type.String({ minLength: 1, maxLength: 128 });
const time = Type.String({ format: "date-time" });
const step = { at: time, text: Type.String() };
const decided = {
  ...step,
  rule: Type.Optional(Type.String({ description: "Name of the rule that decided; stable." })),
  ruleText: Type.Optional(Type.String({ description: "The rule in a sentence." })),
};
const asked = Type.Object({
  at: time,
  investigator: Type.String(),
  verdict: Type.Enum(verdicts),
  evidence: Type.String(),
  proof: Type.Optional(Type.String()),
  tookMs: Type.Optional(Type.Number()),
});

export const whyResult = Type.Object({
  agentId: Type.String(),
  status: Type.Enum(statuses),
  statusReason: Type.String(),
  statusSince: time,
  resourceState: Type.Enum(resourceStates),
  braked: Type.Boolean(),
  loss: Type.Union(
    [
      Type.Object({
        lost: Type.Object({
          ...decided,
          epoch: Type.Integer(),
          gatewayId: Type.Optional(Type.String()),
        }),
        asked: Type.Array(asked, { description: "The newest round of questions." }),
        rounds: Type.Integer({ description: "How often the Investigators were asked." }),
        decided: Type.Union([Type.Object(decided), Type.Null()]),
        done: Type.Array(Type.Object(step)),
        ended: Type.Union([Type.Object(step), Type.Null()], {
          description: "How the agent came back; null while it is lost.",
        }),
      }),
      Type.Null(),
    ],
    { description: "The newest loss; null when the agent was never lost." },
  ),
});

export const recoveriesQuery = Type.Object(
  {
    agentId: Type.Optional(Type.String({ pattern: agentIdPattern })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  },
  strict,
);
export const recoveriesResult = Type.Object({
  recoveries: Type.Array(
    Type.Object({
      agentId: Type.String(),
      epoch: Type.Integer({ description: "The lost session: names the loss." }),
      downAt: time,
      evidence: Type.Array(Type.Unknown()),
      workloads: Type.Array(Type.Unknown()),
      recordedAt: time,
    }),
  ),
});

const brake = Type.Object({
  zone: Type.String(),
  cluster: Type.String({ description: "Empty for the whole zone." }),
  since: Type.Union([time, Type.Null()], { description: "Since when Down is held back." }),
  reason: Type.String(),
  releasedUntil: Type.Union([time, Type.Null()]),
  releasedBy: Type.Union([Type.String(), Type.Null()]),
});
export const brakesResult = Type.Object({ brakes: Type.Array(brake) });
export const releaseBody = Type.Object(
  {
    zone: name,
    cluster: Type.Optional(name),
    forSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 604_800 })),
    by: Type.Optional(Type.String({ maxLength: 200 })),
  },
  strict,
);
export const releaseResult = brake;
