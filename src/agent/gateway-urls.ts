import { agentPath } from "../wire/limits.ts";

/** The address to dial for a gateway: agents' path added when the URL names none. */
export function dialUrl(gateway: string): string {
  const url = new URL(gateway);
  url.hash = "";
  if (url.pathname === "/") url.pathname = agentPath;
  return url.href;
}

/**
 * Whether a URL that the manager named may be dialled. One without TLS is not, when the agent was set up with TLS:
 * its secret would go over the wire in clear.
 */
export function mayReplace(gateway: string, configured: readonly string[]): boolean {
  if (!URL.canParse(gateway)) return false;
  const { protocol } = new URL(gateway);
  if (protocol === "wss:") return true;
  return protocol === "ws:" && !configured.every((url) => url.startsWith("wss:"));
}
