import { ApplicationFailure } from "@temporalio/common";

/** Why an activity failed in a way that another attempt can't mend. The names are part of the contract: append only. */
type HopelessFailure = "INVALID_RECORD";

/** SQLSTATE classes for data that the database will never take: data exception, integrity violation. */
const hopelessClasses = new Set(["22", "23"]);

/**
 * Runs a statement of an activity. A database that is away is worth another attempt and its error passes through;
 * a value that it refuses is not.
 * @throws ApplicationFailure of type INVALID_RECORD, not retryable.
 */
export async function storing<T>(what: string, statement: () => Promise<T>): Promise<T> {
  try {
    return await statement();
  } catch (error) {
    const sqlState = error instanceof Error && "code" in error ? error.code : undefined;
    if (typeof sqlState !== "string" || !hopelessClasses.has(sqlState.slice(0, 2))) throw error;
    const type: HopelessFailure = "INVALID_RECORD";
    throw ApplicationFailure.create({
      type,
      nonRetryable: true,
      message: `The database does not take ${what}: ${String(error)}`,
      ...(error instanceof Error && { cause: error }),
    });
  }
}
