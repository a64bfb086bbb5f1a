/** Shapes of what the operator API takes and gives about webhooks. */
import { Type } from "typebox";
import { agentEventTypes } from "../../workflows/activity-types.ts";

const strict = { additionalProperties: false };
const time = Type.String({ format: "date-time" });
const types = Type.Array(Type.Enum(agentEventTypes), {
  minItems: 1,
  maxItems: agentEventTypes.length,
});

export const webhookParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });

export const newWebhook = Type.Object(
  {
    url: Type.String({
      maxLength: 2_000,
      description: "http or https. It is listed: put no secret into it that nobody may see.",
    }),
    types: Type.Optional(types),
    fromStart: Type.Optional(
      Type.Boolean({ description: "Begin with the first event ever instead of news." }),
    ),
    secret: Type.Optional(
      Type.String({
        // 24 to 64 bytes, as the Standard Webhooks scheme wants them.
        pattern: "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$",
        description: "`whsec_` and 24 to 64 random bytes in base64. Made up when absent.",
      }),
    ),
  },
  strict,
);

const webhookFields = {
  id: Type.String(),
  url: Type.String(),
  types: Type.Union([Type.Array(Type.String()), Type.Null()], {
    description: "null: events of all types.",
  }),
  state: Type.Enum(["delivering", "failing", "paused"]),
  cursorId: Type.Integer({
    description: "Id of the last event that was delivered or passed over.",
  }),
  createdAt: time,
  deliveredAt: Type.Union([time, Type.Null()]),
  failures: Type.Integer({ description: "Tries in a row that failed." }),
  lastError: Type.Union([Type.String(), Type.Null()]),
  pausedAt: Type.Union([time, Type.Null()], {
    description: "Since when nothing is delivered, until it is resumed.",
  }),
};
export const webhook = Type.Object(webhookFields);
export const webhookWithSecret = Type.Object({
  ...webhookFields,
  secret: Type.String({ description: "Verifies signatures. Never given out again." }),
});
export const webhooksResult = Type.Object({ webhooks: Type.Array(webhook) });
export const webhookRemoved = Type.Object({ id: Type.String(), removed: Type.Literal(true) });
export const webhookTested = Type.Object({
  accepted: Type.Boolean(),
  status: Type.Optional(Type.Integer({ description: "HTTP status of the endpoint." })),
  tookMs: Type.Number(),
  details: Type.String(),
});
