/** What the manager says on the session lane, checked: its fields are of the right types or the frame is malformed. */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type {
  Answer,
  CancelCommand,
  MoveCommand,
  PingAnswer,
  ReadyCommand,
  StartupAnswer,
  WireCommand,
} from "../api/index.ts";
import { MalformedFrameError } from "../wire/errors.ts";

const ms = Type.Number({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const seq = Type.Integer({ minimum: 0 });
const gateways = Type.Array(Type.String({ maxLength: 2_048 }), { maxItems: 1_000 });

const startupAnswer = Compile(
  Type.Object({
    type: Type.Literal("StartupAnswer"),
    epoch: Type.Optional(seq),
    pingIntervalMs: Type.Optional(ms),
    gateways: Type.Optional(gateways),
    retryAfterMs: Type.Optional(ms),
  }),
);
const pingAnswer = Compile(
  Type.Object({
    type: Type.Literal("PingAnswer"),
    pingIntervalMs: Type.Optional(ms),
    gateways: Type.Optional(gateways),
  }),
);
const ready = Compile(Type.Object({ type: Type.Literal("Ready"), epoch: seq }));
const cancel = Compile(
  Type.Object({
    type: Type.Union([Type.Literal("Cancel"), Type.Literal("CancelDirect")]),
    seq,
    details: Type.String(),
  }),
);

const move = Compile(
  Type.Object({
    type: Type.Literal("Move"),
    url: Type.String({ minLength: 1, maxLength: 2_048 }),
    details: Type.String(),
  }),
);

/** @throws MalformedFrameError WRONG_SHAPE naming the field. */
export function readStartupAnswer(answer: Answer): StartupAnswer {
  check(startupAnswer, answer);
  return answer as StartupAnswer;
}

/** @throws MalformedFrameError WRONG_SHAPE naming the field. */
export function readPingAnswer(answer: Answer): PingAnswer {
  check(pingAnswer, answer);
  return answer as PingAnswer;
}

/** @throws MalformedFrameError WRONG_SHAPE naming the field. */
export function readReady(command: WireCommand): ReadyCommand {
  check(ready, command);
  return command as WireCommand & ReadyCommand;
}

/** @throws MalformedFrameError WRONG_SHAPE naming the field. */
export function readCancel(command: WireCommand): CancelCommand {
  check(cancel, command);
  return command as WireCommand & CancelCommand;
}

/** @throws MalformedFrameError WRONG_SHAPE naming the field. */
export function readMove(command: WireCommand): MoveCommand {
  check(move, command);
  return command as WireCommand & MoveCommand;
}

interface Shape {
  Check(value: unknown): boolean;
  Errors(value: unknown): { readonly instancePath: string; readonly message: string }[];
}

function check(shape: Shape, value: { readonly type: string }): void {
  if (shape.Check(value)) return;
  const error = shape.Errors(value)[0];
  const where = error === undefined ? "" : `: ${error.instancePath || "/"} ${error.message}`;
  throw new MalformedFrameError("WRONG_SHAPE", `${value.type} is not as it should be${where}.`);
}
