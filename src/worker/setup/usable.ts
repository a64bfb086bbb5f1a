import { setTimeout as sleep } from "node:timers/promises";
import { isGrpcServiceError, type Connection } from "@temporalio/client";
import { SetupError } from "./errors.ts";

/** Temporal's frontends learn of a new namespace or attribute within some 10 s, by their caches. */
const patienceMs = 120_000;
const pauseMs = 500;
/** gRPC status codes of a cache that is behind: INVALID_ARGUMENT (attribute), NOT_FOUND (namespace), UNAVAILABLE. */
const behind = new Set([3, 5, 14]);

/**
 * Waits until workflows can be started and found in the namespace by every one of these attributes.
 * @throws SetupError NOT_USABLE after two minutes, or when `signal` aborts.
 */
export async function waitUntilUsable(
  connection: Connection,
  namespace: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const query = names.map((name) => `${name} = 'none'`).join(" OR ");
  await onceKnown(namespace, signal, () =>
    connection.withDeadline(Date.now() + 10_000, () =>
      connection.workflowService.listWorkflowExecutions({ namespace, query, pageSize: 1 }),
    ),
  );
}

/**
 * Does something with a namespace, again and again while Temporal says that it has not heard of it yet.
 * @throws SetupError NOT_USABLE after two minutes, or when `signal` aborts. Other errors pass through.
 */
export async function onceKnown<T>(
  namespace: string,
  signal: AbortSignal,
  action: () => Promise<T>,
): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!isGrpcServiceError(error) || !behind.has(error.code)) throw error;
      if (signal.aborted || performance.now() > giveUpAt) {
        throw new SetupError(
          "NOT_USABLE",
          `The namespace ${namespace} was set up but Temporal does not use it yet: run setup again.`,
          { cause: error },
        );
      }
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
