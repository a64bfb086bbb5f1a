/** Connections to Temporal. Both wait for a Temporal that is not there yet, saying so, until `signal` aborts. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  Client,
  Connection,
  isGrpcServiceError,
  makeGrpcRetryInterceptor,
} from "@temporalio/client";
import type { DataConverter } from "@temporalio/common";
import { NativeConnection } from "@temporalio/worker";
import type { Config } from "../config/index.ts";
import type { Log } from "../telemetry/log.ts";
import { createDataConverter } from "./data-converter.ts";
import { TemporalConnectError } from "./errors.ts";
import { retryOptions } from "./retry.ts";
import { temporalSettings, type TemporalSettings } from "./settings.ts";

/** A connection that signals, updates and queries go over. Close `connection` when nothing is in flight any more. */
export interface ConnectedClient {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
}

/** A connection that Workers poll over; close it after their `run()` has ended. */
export interface ConnectedNative {
  readonly connection: NativeConnection;
  readonly namespace: string;
  /** For every Worker on this connection. */
  readonly dataConverter: DataConverter;
}

/** A refused connection, too, is only known as such when this is over. */
const connectTimeoutMs = 3_000;
/** Messages of a workflow task have some hundred bytes: gzip, Core's default, costs a tenth of a worker's CPU and saves nothing. */
const grpcCompression = { codec: "none" } as const;
const retryMs = { first: 250, most: 5_000 };
/** gRPC status codes that a retry does not change. */
const refused = new Map([
  [7, "it does not permit this identity"],
  [16, "it does not know this identity: check TEMPORAL_API_KEY or the client certificate"],
]);

/**
 * Connects a client.
 * @throws ConfigError for settings that can't be used.
 * @throws TemporalConnectError REFUSED when Temporal turns us away; ABORTED when `signal` aborts first.
 */
export async function connectClient(
  config: Config,
  log: Log,
  signal: AbortSignal,
): Promise<ConnectedClient> {
  const settings = temporalSettings(config);
  const connection = await untilConnected(settings, log, signal, () => openClient(settings));
  const { namespace } = settings;
  const dataConverter = createDataConverter(config.payloadKeys, log);
  return { connection, namespace, client: new Client({ connection, namespace, dataConverter }) };
}

/**
 * Connects for Workers. Call `installRuntime` before, once in the process.
 * @throws the same as `connectClient`.
 */
export async function connectNative(
  config: Config,
  log: Log,
  signal: AbortSignal,
): Promise<ConnectedNative> {
  const settings = temporalSettings(config);
  const connection = await untilConnected(settings, log, signal, async () => {
    // A failed native attempt tears Core's runtime down, so a light client finds out first.
    await (await openClient(settings)).close();
    return await NativeConnection.connect({ ...settings.connection, grpcCompression });
  });
  const dataConverter = createDataConverter(config.payloadKeys, log);
  return { connection, namespace: settings.namespace, dataConverter };
}

async function openClient(settings: TemporalSettings): Promise<Connection> {
  const connection = Connection.lazy({
    ...settings.connection,
    connectTimeout: connectTimeoutMs,
    interceptors: [makeGrpcRetryInterceptor(retryOptions())],
  });
  try {
    await connection.ensureConnected();
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function untilConnected<T extends { close(): Promise<void> }>(
  settings: TemporalSettings,
  log: Log,
  signal: AbortSignal,
  connect: () => Promise<T>,
): Promise<T> {
  const { address } = settings.connection;
  for (let attempt = 1, waitMs = retryMs.first; ; attempt++) {
    if (signal.aborted) throw aborted(address, signal);
    try {
      const connected = await unlessAborted(connect(), address, signal);
      if (attempt > 1) log.info({ address, attempt }, "Temporal is there");
      return connected;
    } catch (error) {
      if (error instanceof TemporalConnectError) throw error;
      refuse(error, address);
      log.warn(
        { address, attempt, retryMs: waitMs, err: error },
        `waiting for Temporal at ${address}: start it, or set TEMPORAL_ADDRESS`,
      );
    }
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    waitMs = Math.min(waitMs * 2, retryMs.most);
  }
}

/** An attempt that outlives the abort closes what it opened by itself. */
async function unlessAborted<T extends { close(): Promise<void> }>(
  attempt: Promise<T>,
  address: string,
  signal: AbortSignal,
): Promise<T> {
  let giveUp = (): void => undefined;
  const abort = new Promise<never>((_resolve, reject) => {
    giveUp = () => {
      attempt.then((late) => late.close()).catch(() => undefined);
      reject(aborted(address, signal));
    };
    signal.addEventListener("abort", giveUp, { once: true });
  });
  try {
    return await Promise.race([attempt, abort]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function aborted(address: string, signal: AbortSignal): TemporalConnectError {
  return new TemporalConnectError(
    "ABORTED",
    `Stopped while waiting for Temporal at ${address}, which was not reached.`,
    { cause: signal.reason },
  );
}

function refuse(error: unknown, address: string): void {
  const cause = error instanceof Error && isGrpcServiceError(error.cause) ? error.cause : error;
  const why = isGrpcServiceError(cause) ? refused.get(cause.code) : undefined;
  if (why === undefined) return;
  throw new TemporalConnectError("REFUSED", `Temporal at ${address} refuses: ${why}.`, {
    cause: error,
  });
}
