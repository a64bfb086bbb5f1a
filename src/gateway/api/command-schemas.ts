/** Shapes of Requests and what becomes of them, in HTTP bodies and on the socket. */
import { Type, type Static } from "typebox";
import { agentIdPattern, commandsInRequestMax } from "../../wire/limits.ts";

const strict = { additionalProperties: false };
/** A look-up may wait for so long, in seconds. */
const lookUpSecondsMax = 60;
// Postgres takes no NUL.
const id = Type.String({ minLength: 1, maxLength: 200, pattern: "^[^\\u0000]*$" });
const name = Type.String({ minLength: 1, maxLength: 128 });
const reason = Type.String({ maxLength: 1_000, description: "For the event log and the agent." });
const lookUpWait = Type.Number({
  minimum: 0,
  maximum: lookUpSecondsMax,
  description: "How long to wait until the Request is settled.",
});

export const command = Type.Object(
  {
    type: name,
    id: Type.Optional(id),
    resource: Type.Optional(name),
  },
  { description: "The fields of its type beside these. `id` is made up when absent." },
);
export const answer = Type.Object({
  type: Type.String(),
  commandId: Type.String(),
  result: Type.Boolean(),
  details: Type.Optional(Type.String()),
  outcome: Type.Optional(Type.Enum(["done", "notSent", "unknown"])),
  errorCode: Type.Optional(Type.String()),
});

const batchFields = {
  commands: Type.Array(command, { minItems: 1, maxItems: commandsInRequestMax }),
  onError: Type.Optional(Type.Enum(["stop", "continue"])),
  waitSeconds: Type.Optional(Type.Number({ minimum: 0.001, maximum: 864_000 })),
  requestId: Type.Optional(id),
};
/** A batch of Commands as callers write it: ids may be absent. */
export type GivenBatch = Static<Type.TObject<typeof batchFields>>;

export const commandsBody = Type.Object(
  {
    ...batchFields,
    lane: Type.Optional(Type.Enum(["durable", "direct"])),
    wait: Type.Optional(
      Type.Boolean({
        description:
          "false (durable lane): 202 once the Request is recorded, without its Answers; `GET requests/{id}` has them later.",
      }),
    ),
  },
  strict,
);
export const commandsResult = Type.Object({
  requestId: Type.String(),
  answers: Type.Array(answer),
});
const requestState = Type.Enum(["pending", "settled"]);
export const submitResult = Type.Object({
  requestId: Type.String(),
  seq: Type.Integer({ description: "Numbers the durable Requests of the agent." }),
  state: requestState,
  waitMs: Type.Number({ description: "How long the Request still has." }),
  answers: Type.Optional(Type.Array(answer)),
});

export const requestParams = Type.Object({ id });
export const lookUpQuery = Type.Object({ waitSeconds: Type.Optional(lookUpWait) }, strict);
export const requestView = Type.Object({
  requestId: Type.String(),
  agentId: Type.String(),
  seq: Type.Integer(),
  state: requestState,
  handed: Type.Boolean({ description: "Whether it was handed to a gateway." }),
  commands: Type.Array(Type.Object({ id: Type.String(), type: Type.String() })),
  answers: Type.Optional(Type.Array(answer)),
  progress: Type.Optional(
    Type.Array(answer, { description: "While it is pending: the Answers that are there already." }),
  ),
  waitLeftMs: Type.Optional(
    Type.Number({ description: "While it is pending: how long it still has." }),
  ),
  sealedWith: Type.Optional(
    Type.Array(Type.String(), {
      description: "While it is pending: ids of the payload keys that its secrets are sealed with.",
    }),
  ),
});
export const cancelQuery = Type.Object({ reason: Type.Optional(reason) }, strict);
const cancelEnd = Type.Enum(["cancelled", "asked", "settled"]);
export const cancelResult = Type.Object({
  requestId: Type.String(),
  agentId: Type.String(),
  result: cancelEnd,
});

const callId = Type.Integer({ minimum: 0 });
/** What a caller may say on the socket, by its method. */
export const batchCall = Type.Object(
  {
    id: callId,
    method: Type.Enum(["send", "ask", "submit"]),
    agentId: Type.String({ pattern: agentIdPattern }),
    progress: Type.Optional(Type.Boolean()),
    ...batchFields,
  },
  strict,
);
export const lookUpCall = Type.Object(
  {
    id: callId,
    method: Type.Literal("request"),
    requestId: id,
    waitSeconds: Type.Optional(lookUpWait),
  },
  strict,
);
export const cancelCall = Type.Object(
  {
    id: callId,
    method: Type.Literal("cancel"),
    requestId: Type.Optional(id),
    callId: Type.Optional(callId),
    reason: Type.Optional(reason),
  },
  strict,
);
