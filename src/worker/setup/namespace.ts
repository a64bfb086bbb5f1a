import type { Connection } from "@temporalio/client";
import { isGrpcServiceError } from "@temporalio/client";
import { msToTs } from "@temporalio/common/lib/time.js";

/** gRPC status codes. */
const status = { notFound: 5, alreadyExists: 6 } as const;

/**
 * How long Temporal keeps histories of ended runs. Agents continue as new every 1,000 events, so it is also how long
 * an agent's older history can be read in the Temporal UI; the event log in Postgres stays.
 */
export const retentionDays = 7;

/** Creates the namespace when it is not there; true when it did. A namespace that exists keeps its settings. */
export async function ensureNamespace(connection: Connection, namespace: string): Promise<boolean> {
  if (await describe(connection, namespace)) return false;
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      description: "Muster: lifecycles of agents and gateways",
      workflowExecutionRetentionPeriod: msToTs(`${retentionDays} days`),
    });
    return true;
  } catch (error) {
    // Another setup was quicker.
    if (hasCode(error, status.alreadyExists)) return false;
    throw error;
  }
}

async function describe(connection: Connection, namespace: string): Promise<boolean> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } catch (error) {
    if (hasCode(error, status.notFound)) return false;
    throw error;
  }
}

function hasCode(error: unknown, code: number): boolean {
  return isGrpcServiceError(error) && (error.code as number) === code;
}
