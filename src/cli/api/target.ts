/** Which operator API the verbs talk to, and what they show it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, type Config } from "../../config/index.ts";
import { readStack } from "../../local/stack-file.ts";

export interface ApiTarget {
  /** Without a path. */
  readonly url: string;
  readonly token: string;
  /** PEM text of a certificate authority to trust beside the system's. */
  readonly ca?: string;
}

const defaultUrl = "http://127.0.0.1:8251";

/**
 * The environment's words first, then the stack that runs on MUSTER_HOME, then this machine's usual port. The token of
 * MUSTER_HOME is shown to this machine alone: elsewhere it would give the fleet away.
 * @throws ConfigError naming the variable to set.
 */
export function findApi(config: Config): ApiTarget {
  const url = config.apiUrl ?? readStack(config.home)?.apiUrl ?? defaultUrl;
  const mayShowOwn = config.apiUrl === undefined || isThisMachine(config.apiUrl);
  const token = config.apiToken ?? (mayShowOwn ? readToken(config.home) : undefined);
  if (token === undefined) {
    throw new ConfigError(
      "MUSTER_API_TOKEN",
      `is not set, and ${config.home} has no token for ${url}. ` +
        "Is Muster running here? `npm start` starts it and keeps a token: run this in the same folder, or set " +
        "MUSTER_HOME to its home. For a manager elsewhere set MUSTER_API_URL and MUSTER_API_TOKEN.",
    );
  }
  const ca = config.tlsCaFile === undefined ? undefined : readCa(config.tlsCaFile);
  return { url: url.replace(/\/+$/, ""), token, ...(ca !== undefined && { ca }) };
}

function readToken(home: string): string | undefined {
  try {
    return readFileSync(join(home, "secrets", "api-token"), "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}

function readCa(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError("MUSTER_TLS_CA", `can't be read: ${why}.`, { cause: error });
  }
}

function isThisMachine(url: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url).hostname);
}
