/** Settings from the environment: read once, checked whole, frozen. README lists them. */
import { hostname } from "node:os";
import { resolve } from "node:path";
import { KeyringError } from "../secrets/errors.ts";
import { Keyring } from "../secrets/keyring.ts";
import { ConfigError } from "./errors.ts";
import { reader, type Env, type Reader } from "./reader.ts";

export type { Env } from "./reader.ts";

/** Every setting, with its default filled in. Secrets stay undefined when not given: there are no default ones. */
export interface Config {
  /** Where the embedded stack and agents keep their files. */
  readonly home: string;
  readonly logLevel: LogLevel;
  readonly agentPort: number;
  readonly apiPort: number;
  /** Address that the gateway listens on. */
  readonly host: string;
  readonly gatewayId: string;
  /** A gateway's share of the agents in proportion to the others' weights; 0: it takes those that know no other. */
  readonly gatewayWeight: number;
  /** How long a gateway that stops may take to have its agents move to others. */
  readonly drainGraceMs: number;
  /** Direct agents that a gateway runs at most: each is a process. */
  readonly directAgentsMax: number;
  /** Modules of resources that it runs as direct agents, beside the built-in kinds. */
  readonly directResources: readonly string[];
  /** How agents and peers reach this gateway, when not by `ws(s)://<hostname>:<port>`. */
  readonly advertiseHost: string | undefined;
  /** Name by which other gateways reach this one, `*`: the host's own; as callers do when undefined. */
  readonly peerHost: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly temporalAddress: string | undefined;
  readonly temporalNamespace: string;
  /** All TEMPORAL_* variables as given, for the SDK's own reader (TLS, API key, profile). Holds secrets. */
  readonly temporalEnv: Readonly<Record<string, string>>;
  readonly apiToken: string | undefined;
  readonly joinToken: string | undefined;
  /** What payloads in Temporal, secret fields of Commands and webhooks' secrets are encrypted with; empty when not set. */
  readonly payloadKeys: Keyring;
  /** Opens the codec endpoint to whoever shows it; undefined: there is none. */
  readonly codecToken: string | undefined;
  /** Origins of Temporal UIs whose pages may ask the codec endpoint. */
  readonly codecOrigins: readonly string[];
  /** URL of the operator API, for the CLI. */
  readonly apiUrl: string | undefined;
  /** WebSocket URLs of the gateways, for agents. */
  readonly gateways: readonly string[];
  readonly tlsCertFile: string | undefined;
  readonly tlsKeyFile: string | undefined;
  /** Certificate authority that agents and the CLI trust beside the system's. */
  readonly tlsCaFile: string | undefined;
  readonly pingIntervalMs: number;
  readonly pingTimeoutMultiplier: number;
  readonly reconnectGraceMs: number;
  readonly alertWaitMs: number;
  readonly investigateRetryMs: number;
  /** Ping signals a second that one gateway may send to Temporal. */
  readonly relayBudgetPerSecond: number;
  /** Whether zones and clusters that nobody declared are learnt from agents. */
  readonly openAdmission: boolean;
  readonly frameBytesMax: number;
  /** Handshakes at once; beyond it agents are told to retry later. */
  readonly handshakesMax: number;
  readonly handshakeTimeoutMs: number;
  /** Port of a worker's health and metrics endpoint. */
  readonly workerPort: number;
  /** Investigators in the order of asking, those excluded left out. */
  readonly investigators: readonly InvestigatorSetting[];
  /** Modules of third parties that workers load an Investigator from each. */
  readonly investigatorModules: readonly string[];
  /** Neighbours that are asked about one lost host. */
  readonly neighboursAsked: number;
  /** libvirt URI of a lost KVM host, with `{address}` in the place of its address; undefined: not asked. */
  readonly kvmInvestigatorUri: string | undefined;
  /** Simulators (`muster sim`) on other machines that workers may ask; those on the worker's own need no mention. */
  readonly simulatorWorlds: readonly string[];
  /** JSON file with the BMC of each host, for the Investigator `redfish`. Holds secrets. */
  readonly bmcFile: string | undefined;
  /** Modules with listeners that gateways and workers load. */
  readonly hookModules: readonly string[];
  /** How long a listener may take before the manager goes on without it. */
  readonly hookTimeoutMs: number;
  /** Whether an agent may connect when a listener that may veto fails or takes too long. */
  readonly hookFailureAdmits: boolean;
  /** Hosts of one cluster that may be prepared for maintenance at once; 0 means any number. */
  readonly maintenancePerCluster: number;
  readonly evacuationPolicy: EvacuationPolicySetting;
  /** How long emptying a host may take before somebody must look, when its operator gives no other time. */
  readonly maintenanceDeadlineMs: number;
  /** Share of a zone or cluster lost within `brakeWindowMs` above which Down is held back; 1 switches it off. */
  readonly brakeShare: number;
  readonly brakeWindowMs: number;
  /** Fewer lost hosts than this never hold Down back, whatever their share. */
  readonly brakeLostMin: number;
}

/** One Investigator: its name, and how long it may take. */
export interface InvestigatorSetting {
  readonly name: string;
  readonly timeoutMs: number;
}

/** What becomes of the machines of a host that enters maintenance. */
export const evacuationPolicySettings = ["migrate", "migrateElseStop", "stop"] as const;
export type EvacuationPolicySetting = (typeof evacuationPolicySettings)[number];

/** Cheapest and surest first: the agent's own word, then others', then machines that can prove the host off. */
const defaultInvestigators = "agent,ping,neighbour,kvm,redfish,simulator";
const investigatorTimeoutMs = 10_000;

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** All variables of Muster's own, so that a misspelt one stops the process. */
const known = new Set([
  "MUSTER_HOME",
  "MUSTER_HOST",
  "MUSTER_AGENT_PORT",
  "MUSTER_API_PORT",
  "MUSTER_WORKER_PORT",
  "MUSTER_GATEWAY_ID",
  "MUSTER_GATEWAY_WEIGHT",
  "MUSTER_DRAIN_GRACE_MS",
  "MUSTER_ADVERTISE_HOST",
  "MUSTER_PEER_HOST",
  "MUSTER_API_TOKEN",
  "MUSTER_JOIN_TOKEN",
  "MUSTER_PAYLOAD_KEY",
  "MUSTER_CODEC_TOKEN",
  "MUSTER_CODEC_ORIGINS",
  "MUSTER_API_URL",
  "MUSTER_GATEWAYS",
  "MUSTER_TLS_CERT",
  "MUSTER_TLS_KEY",
  "MUSTER_TLS_CA",
  "MUSTER_PING_INTERVAL_MS",
  "MUSTER_PING_TIMEOUT_MULTIPLIER",
  "MUSTER_RECONNECT_GRACE_MS",
  "MUSTER_ALERT_WAIT_MS",
  "MUSTER_INVESTIGATE_RETRY_MS",
  "MUSTER_RELAY_BUDGET_PER_SECOND",
  "MUSTER_OPEN_ADMISSION",
  "MUSTER_FRAME_BYTES_MAX",
  "MUSTER_HANDSHAKES_MAX",
  "MUSTER_HANDSHAKE_TIMEOUT_MS",
  "MUSTER_INVESTIGATORS",
  "MUSTER_INVESTIGATORS_EXCLUDE",
  "MUSTER_INVESTIGATOR_MODULES",
  "MUSTER_NEIGHBOURS_ASKED",
  "MUSTER_KVM_INVESTIGATOR_URI",
  "MUSTER_SIMULATOR_WORLDS",
  "MUSTER_BMC_FILE",
  "MUSTER_DIRECT_AGENTS_MAX",
  "MUSTER_DIRECT_RESOURCES",
  "MUSTER_HOOK_MODULES",
  "MUSTER_HOOK_TIMEOUT_MS",
  "MUSTER_HOOK_FAILURE",
  "MUSTER_MAINTENANCE_PER_CLUSTER",
  "MUSTER_EVACUATION_POLICY",
  "MUSTER_MAINTENANCE_DEADLINE_MS",
  "MUSTER_BRAKE_SHARE",
  "MUSTER_BRAKE_WINDOW_MS",
  "MUSTER_BRAKE_LOST_MIN",
]);

/**
 * Reads and checks every setting.
 * @throws ConfigError naming the first variable that is unknown or malformed.
 */
export function loadConfig(env: Env): Config {
  refuseUnknown(env);
  const read = reader(env);
  const config: Config = {
    home: resolve(env["MUSTER_HOME"] ?? ".muster"),
    logLevel: read.oneOf("LOG_LEVEL", logLevels, "info"),
    agentPort: read.port("MUSTER_AGENT_PORT", 8250),
    apiPort: read.port("MUSTER_API_PORT", 8251),
    workerPort: read.port("MUSTER_WORKER_PORT", 8252),
    host: read.host("MUSTER_HOST") ?? "0.0.0.0",
    gatewayId: read.id("MUSTER_GATEWAY_ID", defaultGatewayId()),
    gatewayWeight: read.decimal("MUSTER_GATEWAY_WEIGHT", 1, 0, 1_000),
    drainGraceMs: read.integer("MUSTER_DRAIN_GRACE_MS", 30_000, 0, 3_600_000),
    directAgentsMax: read.integer("MUSTER_DIRECT_AGENTS_MAX", 50, 0, 10_000),
    directResources: read.words("MUSTER_DIRECT_RESOURCES"),
    advertiseHost: read.host("MUSTER_ADVERTISE_HOST"),
    peerHost: read.host("MUSTER_PEER_HOST", "*"),
    databaseUrl: read.url("DATABASE_URL", ["postgres:", "postgresql:"]),
    temporalAddress: read.text("TEMPORAL_ADDRESS"),
    temporalNamespace: read.text("TEMPORAL_NAMESPACE") ?? "default",
    temporalEnv: temporalVariables(env),
    apiToken: read.secret("MUSTER_API_TOKEN"),
    joinToken: read.secret("MUSTER_JOIN_TOKEN"),
    payloadKeys: readPayloadKeys(read),
    codecToken: readCodecToken(read),
    codecOrigins: readOrigins(read),
    apiUrl: read.url("MUSTER_API_URL", ["http:", "https:"]),
    gateways: read.list("MUSTER_GATEWAYS", ["ws:", "wss:"]),
    tlsCertFile: read.text("MUSTER_TLS_CERT"),
    tlsKeyFile: read.text("MUSTER_TLS_KEY"),
    tlsCaFile: read.text("MUSTER_TLS_CA"),
    pingIntervalMs: read.integer("MUSTER_PING_INTERVAL_MS", 60_000, 100, 86_400_000),
    pingTimeoutMultiplier: read.decimal("MUSTER_PING_TIMEOUT_MULTIPLIER", 2.5, 1.1, 100),
    reconnectGraceMs: read.integer("MUSTER_RECONNECT_GRACE_MS", 5_000, 0, 3_600_000),
    alertWaitMs: read.integer("MUSTER_ALERT_WAIT_MS", 1_800_000, 0, 604_800_000),
    investigateRetryMs: read.integer("MUSTER_INVESTIGATE_RETRY_MS", 60_000, 100, 86_400_000),
    relayBudgetPerSecond: read.decimal("MUSTER_RELAY_BUDGET_PER_SECOND", 2, 0.01, 10_000),
    openAdmission: read.oneOf("MUSTER_OPEN_ADMISSION", ["true", "false"], "true") === "true",
    frameBytesMax: read.integer("MUSTER_FRAME_BYTES_MAX", 1_048_576, 1_024, 67_108_864),
    handshakesMax: read.integer("MUSTER_HANDSHAKES_MAX", 64, 1, 10_000),
    handshakeTimeoutMs: read.integer("MUSTER_HANDSHAKE_TIMEOUT_MS", 10_000, 100, 300_000),
    ...readTruthSettings(read),
  };
  if ((config.tlsCertFile === undefined) !== (config.tlsKeyFile === undefined)) {
    throw new ConfigError(
      "MUSTER_TLS_CERT",
      "needs MUSTER_TLS_KEY beside it, and the other way round.",
    );
  }
  return Object.freeze(config);
}

/** The message never holds what the variable does. */
function readPayloadKeys(read: Reader): Keyring {
  const variable = "MUSTER_PAYLOAD_KEY";
  const text = read.text(variable);
  if (text === undefined) return Keyring.empty;
  try {
    return Keyring.parse(text);
  } catch (error) {
    if (error instanceof KeyringError) throw new ConfigError(variable, error.message);
    throw error;
  }
}

/** It stands in a path of a URL. */
function readCodecToken(read: Reader): string | undefined {
  const variable = "MUSTER_CODEC_TOKEN";
  const token = read.secret(variable);
  if (token === undefined) return undefined;
  if (!/^[A-Za-z0-9._~-]{16,128}$/.test(token)) {
    throw new ConfigError(
      variable,
      "stands in a URL: give 16 to 128 letters, digits, dots, dashes and underscores (openssl rand -hex 32).",
    );
  }
  need(
    read.text("MUSTER_PAYLOAD_KEY"),
    "MUSTER_PAYLOAD_KEY",
    "the keys that MUSTER_CODEC_TOKEN opens",
  );
  return token;
}

/** As browsers write them: scheme, host and port, nothing behind. */
function readOrigins(read: Reader): readonly string[] {
  const variable = "MUSTER_CODEC_ORIGINS";
  const origins = read.list(variable, ["http:", "https:"]);
  const wrong = origins.find((origin) => new URL(origin).origin !== origin);
  if (wrong !== undefined) {
    throw new ConfigError(
      variable,
      `"${wrong}" is no origin: did you mean ${new URL(wrong).origin}?`,
    );
  }
  return origins;
}

/** How the truth about a lost host is found, and what follows from it. */
function readTruthSettings(read: Reader) {
  return {
    investigators: readInvestigators(read),
    investigatorModules: read.words("MUSTER_INVESTIGATOR_MODULES"),
    neighboursAsked: read.integer("MUSTER_NEIGHBOURS_ASKED", 3, 1, 20),
    kvmInvestigatorUri: readLibvirtUri(read),
    simulatorWorlds: read.list("MUSTER_SIMULATOR_WORLDS", ["http:", "https:"]),
    bmcFile: read.text("MUSTER_BMC_FILE"),
    hookModules: read.words("MUSTER_HOOK_MODULES"),
    hookTimeoutMs: read.integer("MUSTER_HOOK_TIMEOUT_MS", 2_000, 10, 60_000),
    hookFailureAdmits: read.oneOf("MUSTER_HOOK_FAILURE", ["admit", "refuse"], "admit") === "admit",
    maintenancePerCluster: read.integer("MUSTER_MAINTENANCE_PER_CLUSTER", 1, 0, 10_000),
    evacuationPolicy: read.oneOf("MUSTER_EVACUATION_POLICY", evacuationPolicySettings, "migrate"),
    maintenanceDeadlineMs: read.integer(
      "MUSTER_MAINTENANCE_DEADLINE_MS",
      3_600_000,
      1_000,
      604_800_000,
    ),
    brakeShare: read.decimal("MUSTER_BRAKE_SHARE", 0.3, 0, 1),
    brakeWindowMs: read.integer("MUSTER_BRAKE_WINDOW_MS", 300_000, 1_000, 86_400_000),
    brakeLostMin: read.integer("MUSTER_BRAKE_LOST_MIN", 5, 1, 1_000_000),
  };
}

function readLibvirtUri(read: Reader): string | undefined {
  const variable = "MUSTER_KVM_INVESTIGATOR_URI";
  const uri = read.text(variable);
  if (uri !== undefined && !/^[a-z][a-z0-9+.-]*:\/\/\S*$/.test(uri)) {
    throw new ConfigError(
      variable,
      `"${uri}" is no libvirt URI such as qemu+tls://{address}/system.`,
    );
  }
  return uri;
}

/** `name` or `name:milliseconds`, in the order of asking. */
function readInvestigators(read: Reader): readonly InvestigatorSetting[] {
  const variable = "MUSTER_INVESTIGATORS";
  const excluded = new Set(read.words("MUSTER_INVESTIGATORS_EXCLUDE"));
  const words = read.text(variable) ?? defaultInvestigators;
  const settings = words.split(",").map((word): InvestigatorSetting => {
    const [, name, ms] = /^\s*([a-z][a-z0-9-]{0,40})(?::(\d{1,7}))?\s*$/.exec(word) ?? [];
    const timeoutMs = ms === undefined ? investigatorTimeoutMs : Number(ms);
    if (name === undefined || timeoutMs < 100 || timeoutMs > 600_000) {
      throw new ConfigError(
        variable,
        `"${word.trim()}" is not a name, or a name and milliseconds from 100 to 600000, such as ping:5000.`,
      );
    }
    return { name, timeoutMs };
  });
  const twice = settings.find(({ name }, i) => settings.findIndex((s) => s.name === name) !== i);
  if (twice !== undefined) throw new ConfigError(variable, `names ${twice.name} twice.`);
  return settings.filter(({ name }) => !excluded.has(name));
}

/**
 * A setting that this process can't do without.
 * @throws ConfigError when it is not set.
 */
export function need<T>(value: T | undefined, variable: string, what: string): T {
  if (value === undefined) throw new ConfigError(variable, `is not set. Set it to ${what}.`);
  return value;
}

function defaultGatewayId(): string {
  return hostname().replaceAll(/[^A-Za-z0-9._-]/g, "-") || "gateway";
}

/** An empty variable is one that is not set, as in a compose file: an empty API key would switch TLS on. */
function temporalVariables(env: Env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith("TEMPORAL_") && value !== undefined && value.trim() !== ""
        ? [[name, value.trim()]]
        : [],
    ),
  );
}

function refuseUnknown(env: Env): void {
  for (const name of Object.keys(env)) {
    if (name.startsWith("MUSTER_") && !known.has(name)) {
      throw new ConfigError(
        name,
        `is not a setting of Muster. Known: ${[...known].sort().join(", ")}.`,
      );
    }
  }
}
