/** Shapes of the frames, compiled once. Fields that they do not name are let through (append-only protocol). */
import { Type, type Static } from "typebox";
import { Compile } from "typebox/compile";
import type {
  AckFrame,
  Credentials,
  ErrorFrame,
  HelloFields,
  Lane,
  ProgressFrame,
  RequestFrame,
  ResponseFrame,
} from "./frames.ts";
import type { Answer, WireCommand } from "../api/index.ts";
import { agentIdPattern, commandsInRequestMax, secretCharsMin } from "./limits.ts";

const name = Type.String({ minLength: 1, maxLength: 128 });
const id = Type.String({ minLength: 1, maxLength: 256 });
const seq = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const durationMs = Type.Number({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const version = Type.Literal(1);

const lane = Type.Union([Type.Literal("durable"), Type.Literal("direct"), Type.Literal("session")]);

const command = Type.Object({ type: name, id, resource: Type.Optional(name) });

const answer = Type.Object({
  type: name,
  commandId: id,
  result: Type.Boolean(),
  details: Type.Optional(Type.String()),
  outcome: Type.Optional(
    Type.Union([Type.Literal("done"), Type.Literal("notSent"), Type.Literal("unknown")]),
  ),
  errorCode: Type.Optional(Type.String({ maxLength: 128 })),
});

const secret = Type.String({ minLength: secretCharsMin, maxLength: 512 });
const credentials = Type.Object({
  secret,
  joinToken: Type.Optional(Type.String({ maxLength: 512 })),
});

const hello = Type.Object({
  agentId: Type.String({ pattern: agentIdPattern }),
  credentials,
  software: name,
});

const after = Type.Object({ seq, withinMs: durationMs });

const request = Type.Object({
  v: version,
  kind: Type.Literal("request"),
  seq,
  lane,
  commands: Type.Array(command, { minItems: 1, maxItems: commandsInRequestMax }),
  inSequence: Type.Optional(Type.Boolean()),
  after: Type.Optional(after),
  alsoAfter: Type.Optional(Type.Array(after, { maxItems: 100 })),
  onError: Type.Optional(Type.Union([Type.Literal("stop"), Type.Literal("continue")])),
  progress: Type.Optional(Type.Boolean()),
  fresh: Type.Optional(Type.Boolean()),
  handedBefore: Type.Optional(Type.Boolean()),
  waitMs: Type.Optional(durationMs),
  hello: Type.Optional(hello),
});

const response = Type.Object({
  v: version,
  kind: Type.Literal("response"),
  seq,
  lane,
  answers: Type.Array(answer, { maxItems: commandsInRequestMax }),
});

const progress = Type.Object({
  v: version,
  kind: Type.Literal("progress"),
  seq,
  lane,
  index: Type.Integer({ minimum: 0, maximum: commandsInRequestMax - 1 }),
  answer,
});

const ack = Type.Object({
  v: version,
  kind: Type.Literal("ack"),
  seq,
  commandIds: Type.Array(id, { maxItems: commandsInRequestMax }),
});

const error = Type.Object({
  v: version,
  kind: Type.Literal("error"),
  code: name,
  message: Type.String(),
  retryAfterMs: Type.Optional(durationMs),
});

/** The checks of one Command and of one Answer. */
export const commandCheck = Compile(command);
export const answerCheck = Compile(answer);

/** The check of each kind of frame. */
export const frameChecks = {
  request: Compile(request),
  response: Compile(response),
  progress: Compile(progress),
  ack: Compile(ack),
  error: Compile(error),
} as const;

// The schemas and the hand-written types must say the same: a difference fails the type check here.
type Plain<T> = T extends readonly (infer E)[]
  ? Plain<E>[]
  : T extends object
    ? { -readonly [K in keyof T as string extends K ? never : K]: Plain<T[K]> }
    : T;
interface Identity<A> {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- two such functions are assignable only when A is identical
  test: <T>() => T extends A ? 1 : 2;
}
type Same<A, B> = Identity<Plain<A>> extends Identity<Plain<B>> ? true : false;
type AllTrue<T extends readonly true[]> = T;
/** @public Nobody imports it: exported so that the compiler sees it used. */
export type SchemasAreTheTypes = AllTrue<
  [
    Same<Static<typeof lane>, Lane>,
    Same<Static<typeof command>, WireCommand>,
    Same<Static<typeof answer>, Answer>,
    Same<Static<typeof credentials>, Credentials>,
    Same<Static<typeof hello>, HelloFields>,
    Same<Static<typeof request>, RequestFrame>,
    Same<Static<typeof response>, ResponseFrame>,
    Same<Static<typeof progress>, ProgressFrame>,
    Same<Static<typeof ack>, AckFrame>,
    Same<Static<typeof error>, ErrorFrame>,
  ]
>;
