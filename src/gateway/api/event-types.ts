import { agentEventTypes } from "../../workflows/activity-types.ts";
import { ApiError } from "./errors.ts";

/**
 * Event types as a query gives them, separated by commas; undefined when it gives none.
 * @throws ApiError for a type that no event ever has: its reader would wait for ever.
 */
export function readEventTypes(text: string | undefined): readonly string[] | undefined {
  if (text === undefined || text === "") return undefined;
  const types = text.split(",").map((type) => type.trim());
  const known: ReadonlySet<string> = new Set(agentEventTypes);
  const unknown = types.find((type) => !known.has(type));
  if (unknown === undefined) return types;
  throw new ApiError(
    "INVALID_REQUEST",
    `"${unknown}" is not a type of events: they are ${agentEventTypes.join(", ")}.`,
  );
}
