/** Ports of the embedded stack: those that users know must be free, the inner ones are kept from start to start. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Config } from "../config/index.ts";
import { freePort, isPortFree, needFreePort } from "./ports.ts";
import type { StackHome } from "./stack-home.ts";

export interface InnerPorts {
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
 * Ports for servers that only the stack itself talks to: those of the last start, at first Temporal's usual ones.
 * One that is taken is replaced by any free one: nobody else knows it.
 */
export async function innerPorts({ portsFile }: StackHome): Promise<InnerPorts> {
  const wanted = { temporal: 7233, temporalUi: 8233, postgres: 0, ...readPorts(portsFile) };
  const ports = {
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

function readPorts(file: string): Partial<InnerPorts> {
  try {
    const found = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(found).filter(([, port]) => typeof port === "number" && port > 0),
    );
  } catch {
    return {};
  }
}
