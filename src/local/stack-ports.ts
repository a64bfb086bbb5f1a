/** Ports of the embedded stack: those that users set must be free, the others are kept from start to start. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Config } from "../config/index.ts";
import { freePort, isPortFree, needFreePort } from "./ports.ts";
import type { StackHome } from "./stack-home.ts";

export interface StackPorts {
  /** Of the gateway; chosen here when the settings say 0, so that a restarted gateway is found where it was. */
  readonly agent: number;
  readonly api: number;
  readonly temporal: number;
  readonly temporalUi: number;
  readonly postgres: number;
}

/** @throws LocalStackError PORT_BUSY naming the setting to change. */
export async function needStackPorts(config: Config): Promise<void> {
  const { host, agentPort, apiPort, workerPort } = config;
  const all = [
    [agentPort, "agents", "MUSTER_AGENT_PORT"],
    [apiPort, "the operator API", "MUSTER_API_PORT"],
    [workerPort, "the worker's health and metrics", "MUSTER_WORKER_PORT"],
  ] as const;
  for (const [port, what, variable] of all) {
    await needFreePort(port, host, what, `set ${variable} to another port`);
  }
}

/**
 * Those of the last start, at first Temporal's usual ones. One that is taken is replaced by any free one: whoever
 * needs it is told by the stack.
 */
export async function chooseStackPorts(
  { portsFile }: StackHome,
  { agentPort, apiPort }: Config,
): Promise<StackPorts> {
  const unset = { agent: 0, api: 0, temporal: 7233, temporalUi: 8233, postgres: 0 };
  const wanted = { ...unset, ...readPorts(portsFile) };
  const ports = {
    agent: agentPort === 0 ? await freeOr(wanted.agent) : agentPort,
    api: apiPort === 0 ? await freeOr(wanted.api) : apiPort,
    temporal: await freeOr(wanted.temporal),
    temporalUi: await freeOr(wanted.temporalUi),
    postgres: await freeOr(wanted.postgres),
  };
  writeFileSync(portsFile, `${JSON.stringify(ports)}\n`, { mode: 0o600 });
  return ports;
}

async function freeOr(port: number): Promise<number> {
  return port !== 0 && (await isPortFree(port)) ? port : await freePort();
}

function readPorts(file: string): Partial<StackPorts> {
  try {
    const found = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(found).filter(([, port]) => typeof port === "number" && port > 0),
    );
  } catch {
    return {};
  }
}
