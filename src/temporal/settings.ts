/** Where Temporal is and how to prove who we are, from Muster's settings and the SDK's own TEMPORAL_* variables. */
import { existsSync } from "node:fs";
import type { TLSConfig } from "@temporalio/client";
import { loadClientConnectConfig } from "@temporalio/envconfig";
import { ConfigError, need, type Config } from "../config/index.ts";

/** What both kinds of connection (client and worker) understand. */
export interface TemporalSettings {
  readonly namespace: string;
  readonly connection: {
    readonly address: string;
    readonly tls?: TLSConfig | boolean;
    readonly apiKey?: string;
    readonly metadata?: Record<string, string>;
  };
}

/**
 * Settings from `config.temporalEnv`; address and namespace of `config` itself win. A profile file is read only
 * when TEMPORAL_CONFIG_FILE names it, so that a developer's own file never leaks into a service.
 * @throws ConfigError when the address is missing, or a variable, file or profile can't be used.
 */
export function temporalSettings(config: Config): TemporalSettings {
  const env = config.temporalEnv;
  checkSwitch(env, "TEMPORAL_TLS");
  const file = env["TEMPORAL_CONFIG_FILE"];
  if (file !== undefined && !existsSync(file)) {
    throw new ConfigError("TEMPORAL_CONFIG_FILE", `names the file ${file}, which does not exist.`);
  }
  const { connectionOptions, namespace } = load(config);
  const { tls, apiKey, metadata } = connectionOptions;
  return {
    namespace:
      config.temporalNamespace === "default"
        ? (namespace ?? config.temporalNamespace)
        : config.temporalNamespace,
    connection: {
      address: need(
        config.temporalAddress ?? connectionOptions.address,
        "TEMPORAL_ADDRESS",
        "the host:port of Temporal's frontend, such as localhost:7233",
      ),
      ...(tls !== undefined && tls !== null && { tls }),
      ...(apiKey !== undefined && { apiKey }),
      ...(metadata !== undefined && { metadata: metadata as Record<string, string> }),
    },
  };
}

function load(config: Config): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig({
      overrideEnvVars: { ...config.temporalEnv },
      configFileStrict: true,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ConfigError("TEMPORAL_*", `can't be used: ${message}.`, { cause: error });
  }
}

/** The SDK takes anything but "true" and "1" for off; a misspelt "yes" must not switch TLS off. */
function checkSwitch(env: Config["temporalEnv"], name: string): void {
  const value = env[name];
  if (value !== undefined && !["true", "false", "1", "0"].includes(value)) {
    throw new ConfigError(name, `"${value}" is not one of true, false, 1, 0.`);
  }
}
