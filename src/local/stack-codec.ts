/** How the stack's own Temporal UI reads encrypted payloads: by the codec endpoint of the stack's gateway. */
import { hostname } from "node:os";
import type { StackContext } from "./stack-context.ts";

type CodecContext = Pick<StackContext, "config" | "ports" | "secrets">;

/** For Temporal's development server, whose pages ask it from the user's browser; undefined when nothing is encrypted. */
export function codecEndpoint({ config, ports, secrets }: CodecContext): string | undefined {
  const { codecToken } = secrets;
  if (codecToken === undefined) return undefined;
  const everywhere = config.host === "0.0.0.0" || config.host === "::";
  const near = everywhere ? "127.0.0.1" : config.host;
  // A certificate is for the gateway's name.
  const base =
    config.tlsCertFile === undefined
      ? `http://${near}`
      : `https://${config.advertiseHost ?? hostname()}`;
  return `${base}:${ports.api}/codec/${codecToken}`;
}

/** For the gateway: it takes questions of the UI's pages, whichever way the user spells this machine. */
export function codecEnv({ config, ports, secrets }: CodecContext): Record<string, string> {
  if (secrets.codecToken === undefined) return {};
  const own = ["127.0.0.1", "localhost"].map((host) => `http://${host}:${ports.temporalUi}`);
  return {
    MUSTER_CODEC_TOKEN: secrets.codecToken,
    MUSTER_CODEC_ORIGINS: [...new Set([...config.codecOrigins, ...own])].join(","),
  };
}
