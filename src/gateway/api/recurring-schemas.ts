/** Shapes of recurring Requests. */
import { Type } from "typebox";
import { agentIdPattern, commandsInRequestMax } from "../../wire/limits.ts";
import { answer, command } from "./command-schemas.ts";

const strict = { additionalProperties: false };
const name = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$" });
const time = Type.String({ format: "date-time" });
const by = Type.Optional(
  Type.String({ maxLength: 200, description: "Who asks, for the event log. Taken on trust." }),
);

const schedule = Type.Union(
  [
    Type.Object(
      {
        cron: Type.String({ minLength: 1, maxLength: 200 }),
        timezone: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      },
      strict,
    ),
    Type.Object(
      { everySeconds: Type.Number({ exclusiveMinimum: 0, maximum: 31_536_000 }) },
      strict,
    ),
  ],
  {
    description:
      "A cron expression of five fields in a time zone (default UTC), or every so many seconds.",
  },
);
const onError = Type.Enum(["stop", "continue"]);
const waitSeconds = Type.Number({ minimum: 0.001, maximum: 864_000 });

export const recurringParams = Type.Object({
  id: Type.String({ pattern: agentIdPattern }),
  name,
});
export const recurringBody = Type.Object(
  {
    name,
    commands: Type.Array(command, { minItems: 1, maxItems: commandsInRequestMax }),
    schedule,
    onError: Type.Optional(onError),
    waitSeconds: Type.Optional(waitSeconds),
    by,
  },
  strict,
);
export const removeQuery = Type.Object({ by }, strict);

export const recurringView = Type.Object({
  name: Type.String(),
  commands: Type.Array(Type.Object({ type: Type.String() })),
  schedule,
  onError,
  waitSeconds: Type.Optional(waitSeconds),
  nextAt: time,
  runs: Type.Integer(),
  failed: Type.Integer({ description: "Runs with a Command that did not succeed." }),
  skipped: Type.Integer({
    description:
      "Turns left out: the run before still went on, the agent was away, or its resource state forbade it.",
  }),
  lastRun: Type.Optional(
    Type.Object({
      requestId: Type.String(),
      at: time,
      answers: Type.Optional(Type.Array(answer, { description: "Absent while it goes on." })),
    }),
  ),
  lastSkip: Type.Optional(Type.Object({ at: time, reason: Type.String() })),
});
export const recurringList = Type.Object({ recurring: Type.Array(recurringView) });
export const recurringRemoved = Type.Object({ removed: Type.Boolean() });
