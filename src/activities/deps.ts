import type { Client } from "@temporalio/client";
import type { Investigator } from "../api/index.ts";
import type { Pool } from "../db/index.ts";
import type { BrakeSettings } from "../lifecycle/brake.ts";
import type { Keyring } from "../secrets/keyring.ts";
import type { Log } from "../telemetry/log.ts";
import type { AgentRecord } from "../workflows/activity-types.ts";

/** What the workers' activities work with. */
export interface ActivityDeps {
  readonly db: Pool;
  readonly client: Client;
  readonly log: Log;
  /** Webhooks' secrets are sealed with them. */
  readonly payloadKeys: Keyring;
  /** When so much of a zone or cluster is lost that Down is held back. */
  readonly brake: BrakeSettings;
  /** Each becomes an activity. */
  readonly investigators: readonly Investigator[];
  /** Told of each record once it is written; must neither throw nor wait. */
  readonly onRecorded?: (record: AgentRecord) => void;
}
