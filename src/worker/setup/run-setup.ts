/** `muster setup`: makes any Postgres and any Temporal ready for Muster. Safe to run again, and by several at once. */
import { need, type Config } from "../../config/index.ts";
import { migrate } from "../../db/index.ts";
import type { Log } from "../../telemetry/log.ts";
import { connectClient } from "../../temporal/index.ts";
import { searchAttributeNames } from "../../workflows/start-options.ts";
import { ensureNamespace, retentionDays } from "./namespace.ts";
import { ensureSearchAttributes } from "./search-attributes.ts";
import { onceKnown, waitUntilUsable } from "./usable.ts";

/** One thing that set-up did, or found done. */
export interface SetupStep {
  readonly step: "database" | "namespace" | "searchAttributes" | "usable";
  readonly changed: boolean;
  /** One sentence for people. */
  readonly details: string;
}

/**
 * Migrations, namespace, search attributes; gives the steps in order, and tells each to `onStep` when it is done.
 * Waits for a Temporal that is not there yet until `signal` aborts; a database that is not reachable is an error.
 * @throws ConfigError, DatabaseError, TemporalConnectError, SetupError.
 */
export async function runSetup(
  config: Config,
  log: Log,
  signal: AbortSignal = new AbortController().signal,
  onStep: (step: SetupStep) => void = () => undefined,
): Promise<readonly SetupStep[]> {
  const steps: SetupStep[] = [];
  const done = (step: SetupStep["step"], changed: boolean, details: string): void => {
    const one = { step, changed, details };
    steps.push(one);
    log.info(one, "set up");
    onStep(one);
  };
  const databaseUrl = need(config.databaseUrl, "DATABASE_URL", "the postgres:// URL of Muster");
  const migrations = await migrate(databaseUrl, log);
  const ran = migrations.length > 0;
  done("database", ran, ran ? `Ran migrations ${migrations.join(", ")}.` : "Schema is up to date.");

  const { connection, namespace } = await connectClient(config, log, signal);
  try {
    const created = await ensureNamespace(connection, namespace);
    done(
      "namespace",
      created,
      created
        ? `Created namespace ${namespace}, histories kept ${retentionDays} days.`
        : `Namespace ${namespace} is there.`,
    );
    const added = await onceKnown(namespace, signal, () =>
      ensureSearchAttributes(connection, namespace, searchAttributeNames),
    );
    done(
      "searchAttributes",
      added.length > 0,
      added.length > 0 ? `Added ${added.join(", ")}.` : "Search attributes are there.",
    );
    await waitUntilUsable(connection, namespace, searchAttributeNames, signal);
    done("usable", false, `Workflows can be started and searched in ${namespace}.`);
  } finally {
    await connection.close();
  }
  return steps;
}
