/** Temporal and PostgreSQL of a bench: in a folder that goes with it, on ports that stay when they are restarted. */
import { join } from "node:path";
import { freePort } from "../src/local/ports.ts";
import { startPostgresServer, type PostgresServer } from "../src/local/postgres-server.ts";
import { findTemporalBinary } from "../src/local/temporal-binary.ts";
import { startTemporalServer, type TemporalServer } from "../src/local/temporal-server.ts";

/** Both servers, as they run at present. */
export class BenchServers {
  readonly #home: string;
  readonly #metricsPort: number;
  #temporal: TemporalServer;
  #postgres: PostgresServer;

  private constructor(
    home: string,
    metricsPort: number,
    temporal: TemporalServer,
    postgres: PostgresServer,
  ) {
    this.#home = home;
    this.#metricsPort = metricsPort;
    this.#temporal = temporal;
    this.#postgres = postgres;
  }

  /** @param home where they keep everything; its folder `pids` names them for a guard. */
  static async start(home: string): Promise<BenchServers> {
    const metricsPort = await freePort();
    const temporal = await startTemporal(home, metricsPort);
    return new BenchServers(home, metricsPort, temporal, await startPostgres(home));
  }

  get temporal(): TemporalServer {
    return this.#temporal;
  }

  get postgres(): PostgresServer {
    return this.#postgres;
  }

  /** Where Temporal tells what it does, for Prometheus. */
  get temporalMetricsUrl(): string {
    return `http://127.0.0.1:${this.#metricsPort}/metrics`;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#temporal.stop(), this.#postgres.stop()]);
  }

  /** Starts them again on what they kept, after `stop`. */
  async startAgain(): Promise<void> {
    const port = Number(this.#temporal.address.split(":")[1]);
    [this.#temporal, this.#postgres] = await Promise.all([
      startTemporal(this.#home, this.#metricsPort, port),
      startPostgres(this.#home, this.#postgres.port),
    ]);
  }
}

async function startTemporal(home: string, metricsPort: number, port?: number) {
  const binary = await findTemporalBinary();
  return await startTemporalServer({
    binary: binary.command,
    logFile: join(home, "temporal.log"),
    databaseFile: join(home, "temporal.db"),
    uiPort: "headless",
    metricsPort,
    ...(port !== undefined && { port }),
    note: { pidsDir: pidsIn(home), name: "Temporal", layer: 0 },
  });
}

async function startPostgres(home: string, port?: number) {
  return await startPostgresServer({
    dataDir: join(home, "postgres"),
    passwordFile: join(home, "postgres-password"),
    logFile: join(home, "postgres.log"),
    ...(port !== undefined && { port }),
    note: { pidsDir: pidsIn(home), name: "PostgreSQL", layer: 0 },
  });
}

/** Where the processes of a bench are noted for its guard. */
export function pidsIn(home: string): string {
  return join(home, "pids");
}
