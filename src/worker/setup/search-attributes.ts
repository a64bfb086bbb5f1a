import { isGrpcServiceError, type Connection } from "@temporalio/client";
import { SetupError } from "./errors.ts";

/** `IndexedValueType` of Temporal's API. */
const keywordType = 2;
const alreadyExists = 6;
const notFound = 5;

/**
 * Adds the search attributes that are missing, all of type Keyword; gives their names. Works for the dev server and
 * for SQL visibility (ten Keyword attributes for each namespace there).
 * @throws SetupError SEARCH_ATTRIBUTE_TYPE when a name is taken by another type, SEARCH_ATTRIBUTES_REFUSED when the
 * server does not add them (Temporal Cloud: add them there by hand).
 */
export async function ensureSearchAttributes(
  connection: Connection,
  namespace: string,
  names: readonly string[],
): Promise<string[]> {
  const { customAttributes: before } = await connection.operatorService.listSearchAttributes({
    namespace,
  });
  const missing = names.filter((name) => {
    const type = before[name] as number | undefined;
    if (type !== undefined && type !== keywordType) throw wrongType(name, namespace);
    return type === undefined;
  });
  if (missing.length === 0) return [];
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, keywordType])),
    });
  } catch (error) {
    // Another setup was quicker, or the namespace is not known everywhere yet.
    if (isGrpcServiceError(error) && (error.code as number) === alreadyExists) return [];
    if (isGrpcServiceError(error) && (error.code as number) === notFound) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new SetupError(
      "SEARCH_ATTRIBUTES_REFUSED",
      `Temporal does not add the search attributes ${missing.join(", ")} to the namespace ${namespace}: ${why}. ` +
        "Does it have room for them? Add them as Keyword with Temporal's own tools and run setup again.",
      { cause: error },
    );
  }
  return missing;
}

function wrongType(name: string, namespace: string): SetupError {
  return new SetupError(
    "SEARCH_ATTRIBUTE_TYPE",
    `The search attribute ${name} of the namespace ${namespace} is not a Keyword. ` +
      "Give Muster a namespace of its own (TEMPORAL_NAMESPACE), or rename that attribute.",
  );
}
