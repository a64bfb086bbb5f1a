/** Checks of requests by compiled typebox schemas: nothing is coerced in bodies, nothing unknown is let through. */
import type {
  FastifySchemaCompiler,
  FastifyTypeProvider,
  FastifyInstance,
  RawServerDefault,
  FastifyBaseLogger,
} from "fastify";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { exceedsDepth } from "../../wire/json-depth.ts";
import { frameDepthMax } from "../../wire/limits.ts";
import { ApiError } from "./errors.ts";

/** Gives handlers the types of their schemas. */
export interface SchemaTypes extends FastifyTypeProvider {
  readonly validator: this["schema"] extends TSchema ? Static<this["schema"]> : unknown;
  readonly serializer: this["schema"] extends TSchema ? Static<this["schema"]> : unknown;
}

/** The API as the route files see it. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  SchemaTypes
>;

/** Texts of paths and queries are converted to what their schema wants; bodies are taken as they are. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema);
  const converts = httpPart === "querystring" || httpPart === "params";
  return (data: unknown) => {
    const value = converts ? check.Convert(data) : data;
    if (check.Check(value)) return { value };
    return { error: new ApiError("INVALID_REQUEST", firstError(check, value, httpPart)) };
  };
};

/** What is wrong, in one sentence that names the place. */
export function firstError(
  check: ReturnType<typeof Compile>,
  value: unknown,
  part = "message",
): string {
  // The last is the most telling: a union reports its branches first, then that none of them fits.
  const errors = check.Errors(value);
  const error = errors.find(({ keyword }) => keyword === "additionalProperties") ?? errors.at(-1);
  if (error === undefined) return `The ${part} has the wrong shape.`;
  const place = `${part}${error.instancePath}`;
  if (error.keyword === "additionalProperties") {
    return `${place}: does not take ${error.params.additionalProperties.join(", ")}.`;
  }
  return `${place}: ${error.message}.`;
}

/**
 * JSON text as a value. Depth is limited, because what a caller sends may end in an agent's frame; `__proto__`, which
 * no honest sender uses and which a careless reader could trip over, is dropped.
 * @throws ApiError MALFORMED_JSON, INVALID_REQUEST.
 */
export function parseJson(text: string): unknown {
  if (exceedsDepth(text, frameDepthMax)) {
    const message = `The JSON is nested deeper than ${frameDepthMax} levels.`;
    throw new ApiError("INVALID_REQUEST", message);
  }
  try {
    // An escape may spell the name too: then the slow way looks.
    return text.includes("__proto__") || text.includes("\\u00")
      ? JSON.parse(text, dropProto)
      : JSON.parse(text);
  } catch (cause) {
    throw new ApiError("MALFORMED_JSON", jsonMessage(cause), { cause });
  }
}

function jsonMessage(cause: unknown): string {
  return `The text is not JSON: ${cause instanceof Error ? cause.message : String(cause)}.`;
}

function dropProto(key: string, value: unknown): unknown {
  return key === "__proto__" ? undefined : value;
}
