/** Temporal's development server as a child process: one SQLite file, its UI, and Muster's search attributes. */
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "@temporalio/client";
import { startChild, type Child, type PidNote } from "./child-process.ts";
import { LocalStackError } from "./errors.ts";
import { freePort, needFreePort } from "./ports.ts";

export interface TemporalServerOptions {
  /** The CLI, from `findTemporalBinary`. */
  readonly binary: string;
  readonly logFile: string;
  /** Address to listen on. 127.0.0.1 when absent: the dev server knows no passwords. */
  readonly ip?: string;
  /** Any free one when absent. */
  readonly port?: number;
  /** Any free one when absent; "headless" for no UI. */
  readonly uiPort?: number | "headless";
  /** Where it tells Prometheus what it does. Any free one when absent. */
  readonly metricsPort?: number;
  /** Of the codec server that the UI's pages ask for the contents of encrypted payloads. */
  readonly uiCodecEndpoint?: string | undefined;
  /** Where it keeps its state. In memory when absent. */
  readonly databaseFile?: string;
  /** Made at start, beside "default". */
  readonly namespaces?: readonly string[];
  /** Name → type ("Keyword", …), registered in every namespace made at start. */
  readonly searchAttributes?: Readonly<Record<string, string>>;
  /** Values are given as JSON. */
  readonly dynamicConfig?: Readonly<Record<string, unknown>>;
  readonly readyTimeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly note?: PidNote;
}

export interface LocalServer extends Pick<Child, "pid" | "ended" | "endedWith" | "stop"> {
  /** `host:port` of the frontend. */
  readonly address: string;
}
export interface TemporalServer extends LocalServer {
  readonly uiUrl: string | undefined;
}

const defaultDynamicConfig = {
  // 8,096 by default: with more live workflows than that, the server reads each from SQLite again and again.
  "history.hostLevelCacheMaxSize": 65_536,
  // 10 by default: one more makes the server abort all of them.
  "history.maxInFlightUpdates": 100,
};

/**
 * Starts the server and waits until it answers and its namespace is there.
 * @throws LocalStackError PORT_BUSY, PROCESS_DIED with the log's last lines, NOT_READY, ABORTED.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const ip = options.ip ?? "127.0.0.1";
  const port = await choosePort(options.port, ip, "Temporal", "set TEMPORAL_ADDRESS to use it");
  const uiPort =
    options.uiPort === "headless"
      ? undefined
      : await choosePort(options.uiPort, ip, "the Temporal UI", "free it");
  const child = await startChild({
    command: options.binary,
    args: serverArgs(options, ip, port, uiPort),
    logFile: options.logFile,
    stopGraceMs: 15_000,
    note: options.note,
  });
  const address = `${ip}:${port}`;
  try {
    await untilServing(child, address, options);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { ...child, address, uiUrl: uiPort === undefined ? undefined : `http://${ip}:${uiPort}` };
}

async function choosePort(
  port: number | undefined,
  ip: string,
  what: string,
  setting: string,
): Promise<number> {
  if (port === undefined || port === 0) return await freePort(ip);
  await needFreePort(port, ip, what, setting);
  return port;
}

function serverArgs(
  options: TemporalServerOptions,
  ip: string,
  port: number,
  uiPort: number | undefined,
): string[] {
  const dynamicConfig = { ...defaultDynamicConfig, ...options.dynamicConfig };
  return [
    ...["server", "start-dev", "--ip", ip, "--port", String(port)],
    ...["--log-level", "warn", "--log-format", "json"],
    // Measured: three times the writes, and a killed process still loses nothing.
    ...["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"],
    ...(uiPort === undefined
      ? ["--headless"]
      : ["--ui-port", String(uiPort), "--ui-disable-news-fetch"]),
    ...(options.metricsPort === undefined ? [] : ["--metrics-port", String(options.metricsPort)]),
    ...(options.uiCodecEndpoint === undefined
      ? []
      : ["--ui-codec-endpoint", options.uiCodecEndpoint]),
    ...(options.databaseFile === undefined ? [] : ["--db-filename", options.databaseFile]),
    ...(options.namespaces ?? []).flatMap((name) => ["--namespace", name]),
    ...Object.entries(options.searchAttributes ?? {}).flatMap(([name, type]) => [
      "--search-attribute",
      `${name}=${type}`,
    ]),
    ...Object.entries(dynamicConfig).flatMap(([name, value]) => [
      "--dynamic-config-value",
      `${name}=${JSON.stringify(value)}`,
    ]),
  ];
}

async function untilServing(
  child: Child,
  address: string,
  options: TemporalServerOptions,
): Promise<void> {
  const deadline = performance.now() + (options.readyTimeoutMs ?? 60_000);
  let lastError: unknown;
  while (performance.now() < deadline) {
    if (options.signal?.aborted === true) {
      throw new LocalStackError("ABORTED", "Stopped while Temporal was starting.");
    }
    const ended = child.endedWith();
    if (ended !== undefined) {
      throw new LocalStackError(
        "PROCESS_DIED",
        `Temporal ended with ${ended} while starting. The end of ${options.logFile}:\n${await child.logTail()}`,
      );
    }
    try {
      await askNamespace(address, options.namespaces?.at(-1) ?? "default");
      return;
    } catch (error) {
      lastError = error;
    }
    await sleep(100);
  }
  throw new LocalStackError(
    "NOT_READY",
    `Temporal at ${address} does not answer. See ${options.logFile}.`,
    { cause: lastError },
  );
}

/** The port opens before the namespaces are made, so a namespace is what is asked for. */
async function askNamespace(address: string, namespace: string): Promise<void> {
  const connection = Connection.lazy({ address, connectTimeout: 2_000 });
  try {
    await connection.ensureConnected();
    await connection.withDeadline(Date.now() + 5_000, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } finally {
    await connection.close();
  }
}
