/** What a worker waits for before it starts, telling what is missing, instead of dying in a loop. */
import { setTimeout as sleep } from "node:timers/promises";
import { isGrpcServiceError } from "@temporalio/client";
import { requireSchema, type Db } from "../db/index.ts";
import type { Log } from "../telemetry/log.ts";
import type { ConnectedClient } from "../temporal/index.ts";
import { WorkerError } from "./errors.ts";

const retryMs = 2_000;
const notFound = 5;

/**
 * Waits for a database with this code's schema.
 * @throws WorkerError ABORTED when `signal` aborts first.
 */
export async function waitForDatabase(db: Db, log: Log, signal: AbortSignal): Promise<void> {
  await waitFor("the database", () => requireSchema(db), log, signal);
}

/**
 * Waits for the namespace, which `muster setup` creates.
 * @throws WorkerError ABORTED when `signal` aborts first.
 */
export async function waitForNamespace(
  { connection, namespace }: Pick<ConnectedClient, "connection" | "namespace">,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const look = async (): Promise<void> => {
    try {
      await connection.withDeadline(Date.now() + 5_000, () =>
        connection.workflowService.describeNamespace({ namespace }),
      );
    } catch (error) {
      if (!isGrpcServiceError(error) || (error.code as number) !== notFound) throw error;
      throw new Error(`Temporal has no namespace ${namespace}: run \`muster setup\`.`, {
        cause: error,
      });
    }
  };
  await waitFor(`the namespace ${namespace}`, look, log, signal);
}

async function waitFor(
  what: string,
  look: () => Promise<void>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    if (signal.aborted) {
      throw new WorkerError("ABORTED", `Stopped while waiting for ${what}.`, {
        cause: signal.reason,
      });
    }
    try {
      await look();
      if (attempt > 1) log.info({ attempt }, `${what} is there`);
      return;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.warn({ attempt, retryMs }, `waiting for ${what}: ${why}`);
    }
    await sleep(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
