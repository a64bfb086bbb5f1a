import type { Client } from "@temporalio/client";
import type { Registry } from "prom-client";
import type { Config } from "../../config/index.ts";
import type { Db } from "../../db/index.ts";
import type { Log } from "../../telemetry/log.ts";
import type { GatewayRef } from "../../workflows/agent-messages.ts";
import type { CommandLanes } from "../command-lanes.ts";

/** All that the operator API needs of its gateway. */
export interface ApiContext {
  readonly config: Config;
  readonly log: Log;
  readonly db: Db;
  readonly temporal: Client;
  /** For callers: any agent, wherever it is. */
  readonly lanes: CommandLanes;
  /** For other gateways: the agents that this one holds. */
  readonly localLanes: CommandLanes;
  readonly gateway: GatewayRef;
  readonly metrics: Registry;
  /** What keeps the gateway from being ready, in words; empty when it is. */
  readonly unreadyReasons: () => readonly string[];
  /** For how long it has had its lease and PostgreSQL without a break. */
  readonly sureForMs: () => number;
}
