import type { Client } from "@temporalio/client";
import type { Db } from "../db/index.ts";
import type { Log } from "../telemetry/log.ts";

/** What the workers' activities work with. */
export interface ActivityDeps {
  readonly db: Db;
  readonly client: Client;
  readonly log: Log;
}
