/** What `muster agent` and `muster sim` share: where the gateways are, and what to keep where. */
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { ConnectOptions } from "../agent/options.ts";
import type { CliContext } from "./context.ts";
import { UsageError } from "./errors.ts";

export interface ConnectCliOptions {
  readonly gateway?: readonly string[];
  readonly home?: string;
}

/** Adds --gateway and --home. */
export function addConnectOptions(command: Command): Command {
  return command
    .option(
      "--gateway <url>",
      "ws:// or wss:// URL, repeatable (default: MUSTER_GATEWAYS)",
      collect,
    )
    .option("--home <folder>", "where secret and journal are kept (default: MUSTER_HOME)");
}

/**
 * The options as `src/agent` takes them, the rest from the environment.
 * @throws UsageError when no gateway is named anywhere.
 */
export function connectOptions(context: CliContext, options: ConnectCliOptions): ConnectOptions {
  const config = context.config();
  const gateways = options.gateway ?? config.gateways;
  if (gateways.length === 0) {
    throw new UsageError(
      "no gateway to connect to. Give --gateway ws://host:8250, or set MUSTER_GATEWAYS.",
    );
  }
  return {
    gateways,
    home: options.home === undefined ? config.home : resolve(options.home),
    joinToken: config.joinToken,
    tlsCaFile: config.tlsCaFile,
    frameBytesMax: config.frameBytesMax,
  };
}

function collect(url: string, before: readonly string[] = []): readonly string[] {
  if (!URL.canParse(url) || !/^wss?:\/\//.test(url)) {
    throw new InvalidArgumentError("Give a URL that begins with ws:// or wss://.");
  }
  return [...before, url];
}
