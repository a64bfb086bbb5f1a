/** The session Commands that agents send, checked: their fields are of the right types or the frame is malformed. */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import {
  shutdownReasons,
  type PingCommand,
  type ShutdownCommand,
  type StartupCommand,
  type WireCommand,
} from "../api/index.ts";
import { MalformedFrameError } from "../wire/errors.ts";

// A NUL is no part of any name, and Postgres takes none.
const name = Type.String({ minLength: 1, maxLength: 128, pattern: "^[^\\u0000]*$" });
const id = Type.String({ minLength: 1, maxLength: 256 });
const text = Type.String({ maxLength: 4_096 });

/** A path of field names with dots, beginning with a field of the Command's own. */
const secretField = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: "^(?!(type|id|resource)(\\.|$))[^.\\u0000]+(\\.[^.\\u0000]+)*$",
});

const traits = Type.Object({
  inSequence: Type.Boolean(),
  idempotent: Type.Boolean(),
  readOnly: Type.Boolean(),
  needsNewResources: Type.Boolean(),
  evacuation: Type.Boolean(),
  check: Type.Boolean(),
  waitSeconds: Type.Number({ exclusiveMinimum: 0, maximum: 604_800 }),
  secretFields: Type.Optional(Type.Array(secretField, { maxItems: 32 })),
});

const startup = Compile(
  Type.Object({
    type: Type.Literal("Startup"),
    id,
    name,
    resourceType: name,
    zone: name,
    cluster: name,
    version: name,
    address: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    probePorts: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), { maxItems: 16 }),
    ),
    migrateTo: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024 })),
    facts: Type.Optional(
      Type.Record(Type.String(), Type.Union([text, Type.Number(), Type.Boolean()])),
    ),
    commandTypes: Type.Optional(Type.Record(Type.String({ maxLength: 128 }), traits)),
  }),
);

const ping = Compile(
  Type.Object({
    type: Type.Literal("Ping"),
    id,
    resources: Type.Array(
      Type.Object({
        name,
        healthy: Type.Boolean(),
        details: Type.Optional(text),
        workloads: Type.Optional(Type.Record(Type.String(), Type.String())),
      }),
      { maxItems: 64 },
    ),
  }),
);

const shutdown = Compile(
  Type.Object({
    type: Type.Literal("Shutdown"),
    id,
    reason: Type.Union(shutdownReasons.map((reason) => Type.Literal(reason))),
    details: Type.Optional(text),
  }),
);

/** A Startup Command has an id on the wire. */
export type WireStartup = StartupCommand & { readonly id: string };

/** @throws MalformedFrameError WRONG_SHAPE naming the field. */
export function readStartup(command: WireCommand): WireStartup {
  // The schemas say what the types say; TypeBox's own guard would give inferred twins of them.
  return checked(startup, command) as unknown as WireStartup;
}

/** @throws MalformedFrameError WRONG_SHAPE naming the field. */
export function readPing(command: WireCommand): PingCommand {
  return checked(ping, command) as unknown as PingCommand;
}

/** @throws MalformedFrameError WRONG_SHAPE naming the field. */
export function readShutdown(command: WireCommand): ShutdownCommand {
  return checked(shutdown, command) as unknown as ShutdownCommand;
}

interface Schema {
  Check(value: unknown): boolean;
  Errors(value: unknown): { readonly instancePath: string; readonly message: string }[];
}

function checked(schema: Schema, command: WireCommand): WireCommand {
  if (schema.Check(command)) return command;
  const error = schema.Errors(command)[0];
  const where = error === undefined ? "" : ` ${error.instancePath || "/"} ${error.message}`;
  throw new MalformedFrameError(
    "WRONG_SHAPE",
    `The ${command.type} Command is not as docs/PROTOCOL.md says:${where}.`,
  );
}
