import { hostname } from "node:os";
import type { Config } from "../config/index.ts";
import { agentPath } from "../wire/limits.ts";

/** Where agents and operators reach the gateway. */
export interface GatewayAddresses {
  readonly agentUrl: string;
  readonly apiUrl: string;
  /** The operator API as other gateways reach it, when that is another address. */
  readonly peerUrl?: string;
}

/** The addresses of a gateway that listens on these ports, as others should dial them. */
export function addressesOf(config: Config, agentPort: number, apiPort: number): GatewayAddresses {
  const host = config.advertiseHost ?? (isEverywhere(config.host) ? hostname() : config.host);
  const s = config.tlsCertFile === undefined ? "" : "s";
  const at = (name: string): string => (name.includes(":") ? `[${name}]` : name);
  const peerHost = config.peerHost === "*" ? hostname() : config.peerHost;
  return {
    agentUrl: `ws${s}://${at(host)}:${agentPort}${agentPath}`,
    apiUrl: `http${s}://${at(host)}:${apiPort}`,
    ...(peerHost !== undefined && { peerUrl: `http${s}://${at(peerHost)}:${apiPort}` }),
  };
}

/** Where processes of this machine reach the gateway: with TLS by the name that its certificate is for. */
export function ownUrl(config: Config, { agentUrl }: GatewayAddresses): string {
  const url = new URL(agentUrl);
  if (url.protocol === "ws:") url.hostname = isEverywhere(config.host) ? "127.0.0.1" : config.host;
  return url.href;
}

function isEverywhere(host: string): boolean {
  return ["0.0.0.0", "::", ""].includes(host);
}
