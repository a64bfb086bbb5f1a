/** A gateway process: agents on one port, operators on another, Temporal and Postgres behind. */
import { need, type Config } from "../config/index.ts";
import { openPool } from "../db/index.ts";
import { loadListeners } from "../hooks/load-listeners.ts";
import type { Log } from "../telemetry/log.ts";
import { connectNative, installRuntime } from "../temporal/index.ts";
import type { GatewayAddresses } from "./addresses.ts";
import type { ApiContext } from "./api/context.ts";
import { buildOperatorApi } from "./api/server.ts";
import { serve, type ListeningApi } from "./serve.ts";

/** A database that hangs must look like one that is gone before the handshake's own limit. */
const statementTimeoutMs = 5_000;

/**
 * Runs until `signal` aborts: then agents are told to go elsewhere, the cluster that this gateway leaves, and it
 * resolves when everything is closed.
 * @throws ConfigError, TemporalConnectError for what waiting can't mend; GatewayReplacedError when another process
 * takes this gateway's id.
 */
export async function runGateway(
  config: Config,
  log: Log,
  signal: AbortSignal,
  onReady?: (addresses: GatewayAddresses) => void,
): Promise<void> {
  const databaseUrl = need(config.databaseUrl, "DATABASE_URL", "the postgres:// URL of Muster");
  const listeners = await loadListeners(config.hookModules, { process: "gateway" });
  await installRuntime(log);
  const pool = openPool(databaseUrl, { applicationName: "muster gateway", statementTimeoutMs });
  const close: (() => Promise<void>)[] = [() => pool.end()];
  try {
    const native = await connectNative(config, log, signal);
    close.unshift(() => native.connection.close());
    await serve(config, { pool, native, listeners, openApi }, log, signal, onReady);
  } finally {
    for (const closeOne of close) await closeOne();
  }
  log.info("gateway stopped");
}

/** The operator API as a thing that listens and closes. */
async function openApi(context: ApiContext): Promise<ListeningApi> {
  const api = await buildOperatorApi(context);
  const { host, apiPort } = context.config;
  await api.listen({ host, port: apiPort });
  const address = api.server.address();
  const port = typeof address === "object" && address !== null ? address.port : apiPort;
  return { port, close: () => api.close() };
}
