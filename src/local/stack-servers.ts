/** The stack's Temporal and PostgreSQL: its own, or those that the settings name; and their set-up. */
import { join } from "node:path";
import type { Config } from "../config/index.ts";
import { runSetup } from "../worker/setup/run-setup.ts";
import { searchAttributeNames } from "../workflows/start-options.ts";
import { startPostgresServer } from "./postgres-server.ts";
import { codecEndpoint } from "./stack-codec.ts";
import { settled, type StackContext } from "./stack-context.ts";
import { findTemporalBinary } from "./temporal-binary.ts";
import { startTemporalServer } from "./temporal-server.ts";

/** How the rest of the stack reaches them. */
export interface DataServers {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  /** Undefined for a Temporal that is not ours. */
  readonly temporalUiUrl: string | undefined;
  /** For processes that use both; a Temporal of our own is plain, whatever TEMPORAL_* says. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const layer = 0;

/** Starts what the settings do not give, then migrates, and makes namespace and search attributes. */
export async function startDataServers(context: StackContext): Promise<DataServers> {
  const { config, log, say, signal } = context;
  const [databaseUrl, temporal] = await settled([
    config.databaseUrl === undefined ? startPostgres(context) : Promise.resolve(config.databaseUrl),
    temporalOf(config) === undefined ? startTemporal(context) : Promise.resolve(undefined),
  ]);
  const temporalAddress = temporal?.address ?? config.temporalAddress ?? "";
  const foreign = Object.keys(config.temporalEnv).filter((name) => name !== "TEMPORAL_NAMESPACE");
  const temporalEnv =
    temporal === undefined
      ? {}
      : {
          ...Object.fromEntries(foreign.map((name) => [name, undefined])),
          TEMPORAL_ADDRESS: temporal.address,
        };
  say("preparing database, namespace and search attributes");
  await runSetup(
    temporal === undefined
      ? { ...config, databaseUrl }
      : { ...config, databaseUrl, temporalAddress, temporalEnv: {} },
    log,
    signal,
  );
  return {
    databaseUrl,
    temporalAddress,
    temporalUiUrl: temporal?.uiUrl,
    env: { ...temporalEnv, DATABASE_URL: databaseUrl },
  };
}

/** A profile in a file may hold the address as well. */
function temporalOf(config: Config): string | undefined {
  return config.temporalAddress ?? config.temporalEnv["TEMPORAL_CONFIG_FILE"];
}

async function startTemporal(context: StackContext) {
  const { config, home, ports, say, pidsDir } = context;
  const binary = await findTemporalBinary({ say, signal: context.signal });
  say(`starting Temporal ${binary.version} (from ${binary.source})`);
  return await context.keep({
    name: "temporal",
    layer,
    start: (signal) =>
      startTemporalServer({
        binary: binary.command,
        logFile: join(home.logsDir, "temporal.log"),
        port: ports.temporal,
        uiPort: ports.temporalUi,
        uiCodecEndpoint: codecEndpoint(context),
        databaseFile: home.temporalFile,
        namespaces: config.temporalNamespace === "default" ? [] : [config.temporalNamespace],
        searchAttributes: Object.fromEntries(searchAttributeNames.map((name) => [name, "Keyword"])),
        note: { pidsDir, name: "temporal", layer },
        signal,
      }),
  });
}

async function startPostgres(context: StackContext): Promise<string> {
  const { home, ports, pidsDir } = context;
  context.say("starting PostgreSQL");
  const { url } = await context.keep({
    name: "postgres",
    layer,
    start: (signal) =>
      startPostgresServer({
        dataDir: home.postgresDir,
        passwordFile: home.postgresPasswordFile,
        logFile: join(home.logsDir, "postgres.log"),
        port: ports.postgres,
        note: { pidsDir, name: "postgres", layer },
        signal,
      }),
  });
  return url;
}
