import { hostname } from "node:os";
import type { Config } from "../config/index.ts";
import { agentPath } from "../wire/limits.ts";

/** Where agents and operators reach the gateway. */
export interface GatewayAddresses {
  readonly agentUrl: string;
  readonly apiUrl: string;
}

/** The addresses of a gateway that listens on these ports, as others should dial them. */
export function addressesOf(config: Config, agentPort: number, apiPort: number): GatewayAddresses {
  const everywhere = ["0.0.0.0", "::", ""].includes(config.host);
  const host = config.advertiseHost ?? (everywhere ? hostname() : config.host);
  const name = host.includes(":") ? `[${host}]` : host;
  const s = config.tlsCertFile === undefined ? "" : "s";
  return {
    agentUrl: `ws${s}://${name}:${agentPort}${agentPath}`,
    apiUrl: `http${s}://${name}:${apiPort}`,
  };
}
