/** `muster agent --resource …`: this process as the agent of a host. */
import { hostname } from "node:os";
import { parse } from "node:path";
import { connectOptions, type ConnectCliOptions } from "./connect-options.ts";
import type { CliContext } from "./context.ts";
import { processLog } from "./process-log.ts";
import { printReady, type JsonOption } from "./ready-line.ts";
import type { ResourceChoice } from "./resource-options.ts";

export interface RunAgentOptions extends ConnectCliOptions, JsonOption {
  readonly id?: string;
  readonly zone?: string;
  readonly cluster?: string;
}

export async function runAgentProcess(
  context: CliContext,
  resources: readonly ResourceChoice[],
  options: RunAgentOptions,
): Promise<void> {
  const connect = connectOptions(context, options);
  const log = await processLog(context, "agent");
  const stop = context.stopSignal();
  const { runAgent } = await import("../agent/run.ts");
  const agent = {
    ...connect,
    agentId: options.id ?? plain(hostname()),
    zone: options.zone ?? "default",
    cluster: options.cluster ?? clusterFor(resources),
    resources,
  };
  await runAgent(agent, log, stop, (ready) => {
    const sentence = `agent ${ready.agentId} is ready: connected to ${ready.gateway}, session ${ready.epoch}`;
    printReady(context, options, ready, sentence);
  });
}

/** A cluster holds resources of one type, so that each kind has a default of its own. */
function clusterFor(resources: readonly ResourceChoice[]): string {
  return plain(parse(resources[0]?.module ?? "").name) || "default";
}

function plain(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, "-").replace(/^[^A-Za-z0-9]+/, "");
}
