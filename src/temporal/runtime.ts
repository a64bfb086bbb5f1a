/** Temporal's Core, set up once in a process: its logs go to ours, its metrics are read by `temporalMetrics`. */
import { createServer } from "node:net";
import { DefaultLogger, makeTelemetryFilterString, Runtime } from "@temporalio/worker";
import type { LogEntry, LogLevel } from "@temporalio/worker";
import type { Log } from "../telemetry/log.ts";

const levels = {
  TRACE: "trace",
  DEBUG: "debug",
  INFO: "info",
  WARN: "warn",
  ERROR: "error",
} as const satisfies Record<LogLevel, string>;

/** Core remembers its options for the life of the process, so they are given once. */
let installed: Promise<string> | undefined;

/**
 * Installs Core's runtime, before the first NativeConnection or Worker; later calls in the same process do nothing.
 * Signals are left to the process: whoever runs Workers shuts them down.
 */
export async function installRuntime(log: Log): Promise<void> {
  installed ??= install(log);
  await installed;
}

/** Core's metrics in Prometheus text, to be put behind our own; empty while no Worker or connection is open. */
export async function temporalMetrics(): Promise<string> {
  if (installed === undefined) return "";
  try {
    const response = await fetch(await installed, { signal: AbortSignal.timeout(2_000) });
    return response.ok ? await response.text() : "";
  } catch {
    // Core stops serving when its last connection closes.
    return "";
  }
}

async function install(log: Log): Promise<string> {
  const bindAddress = `127.0.0.1:${await freePort()}`;
  Runtime.install({
    // The SDK words an entry for each activation before the level is looked at: only what the log keeps is asked for.
    logger: new DefaultLogger(levelOf(log), (entry) => {
      forward(log, entry);
    }),
    shutdownSignals: [],
    telemetryOptions: {
      logging: {
        forward: {},
        filter: makeTelemetryFilterString({ core: "WARN", other: "ERROR" }),
      },
      metrics: {
        attachServiceName: false,
        prometheus: {
          bindAddress,
          countersTotalSuffix: true,
          useSecondsForDurations: true,
          unitSuffix: true,
        },
      },
    },
  });
  return `http://${bindAddress}/metrics`;
}

/** The finest level that the log keeps. */
function levelOf(log: Log): LogLevel {
  return (
    (Object.keys(levels) as LogLevel[]).find((level) => log.isLevelEnabled(levels[level])) ??
    "ERROR"
  );
}

/** Core can't be asked which port it took, so it gets one that was free a moment ago; loopback only. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No port to be had.");
  return address.port;
}

/** True of every activity worker, by design; the SDK warns of it at each start. */
const expected = /^No (workflows|Nexus services) registered/;

function forward(log: Log, entry: LogEntry): void {
  const level = expected.test(entry.message) ? "debug" : levels[entry.level];
  const atMs = Number(entry.timestampNanos / 1_000_000n);
  log[level]({ ...entry.meta, atMs }, entry.message);
}
