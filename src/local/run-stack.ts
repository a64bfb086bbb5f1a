/**
 * `muster up`: the whole of Muster on this machine, in the foreground. Temporal, PostgreSQL, one gateway, one worker,
 * three simulated hosts and, where libvirt answers, this machine as a KVM host, each a process of its own.
 */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Config } from "../config/index.ts";
import type { Log } from "../telemetry/log.ts";
import { startGuard, type Guard } from "./guard.ts";
import { processIdentity } from "./process-identity.ts";
import { startService, tryService, type Service } from "./service.ts";
import { settled, type StackContext } from "./stack-context.ts";
import { removeStackFile, writeStackFile, type StackFile } from "./stack-file.ts";
import { endLeftovers, keepSecret, lockHome, openHome } from "./stack-home.ts";
import { chooseStackPorts, needStackPorts } from "./stack-ports.ts";
import { startAgents, startGateway, startWorker } from "./stack-processes.ts";
import { startDataServers } from "./stack-servers.ts";

export interface StackOptions {
  /** Told of each step while starting, and of each process that died and came back. For the terminal. */
  readonly say?: (line: string) => void;
  /** Simulated hosts; 3 when absent, 0 for none. */
  readonly simulatedHosts?: number;
}

/** What the ready line tells. */
export interface StackReady extends Pick<
  StackFile,
  "apiUrl" | "agentUrl" | "temporalAddress" | "temporalUiUrl"
> {
  readonly home: string;
  /** Commands to try. */
  readonly try: readonly string[];
  readonly startedInMs: number;
}

/**
 * Runs the stack until `signal` aborts, and resolves when all that it started has ended. What a start that failed had
 * begun is ended too.
 * @throws LocalStackError and the errors of `runSetup`, with messages that say what to do.
 */
export async function runStack(
  config: Config,
  options: StackOptions,
  log: Log,
  signal: AbortSignal,
  onReady?: (stack: StackReady) => void,
): Promise<void> {
  const begunAt = performance.now();
  const say = options.say ?? (() => undefined);
  const home = openHome(config.home);
  const unlock = lockHome(home);
  const pidsDir = join(home.runDir, `pids-${process.pid}-${randomBytes(4).toString("hex")}`);
  const services: Service[] = [];
  let guard: Guard | undefined;
  let file: StackFile | undefined;
  try {
    const leftovers = await endLeftovers(home);
    if (leftovers.length > 0) say(`ended what an earlier start had left: ${leftovers.join(", ")}`);
    await needStackPorts(config);
    guard = startGuard(pidsDir);
    const onRestarted = () => {
      if (file !== undefined) writeStackFile(config.home, { ...file, pids: pidsOf(services) });
    };
    const context: StackContext = {
      config,
      log,
      home,
      ports: await chooseStackPorts(home, config),
      pidsDir,
      say,
      signal,
      secrets: {
        apiToken: keepSecret(home, "api-token", config.apiToken),
        joinToken: keepSecret(home, "join-token", config.joinToken),
        codecToken:
          config.payloadKeys.ids.length === 0
            ? undefined
            : keepSecret(home, "codec-token", config.codecToken),
      },
      keep: async (options) => {
        const { first, service } = await startService({ ...options, say, onRestarted }, signal);
        services.push(service);
        return first;
      },
      keepTrying: async (options) => {
        services.push(await tryService({ ...options, say, onRestarted }, signal));
      },
    };
    file = await startAll(context, options.simulatedHosts ?? 3);
    writeStackFile(config.home, { ...file, pids: pidsOf(services) });
    onReady?.(readyOf(config, file, performance.now() - begunAt));
    await aborted(signal);
    say("stopping");
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    removeStackFile(config.home);
    await stopAll(services);
    await guard?.dismiss();
    rmSync(pidsDir, { recursive: true, force: true });
    unlock();
  }
}

async function startAll(context: StackContext, simulatedHosts: number): Promise<StackFile> {
  const servers = await startDataServers(context);
  const [gateway] = await settled([startGateway(context, servers), startWorker(context, servers)]);
  await startAgents(context, gateway.agentUrl, simulatedHosts);
  return {
    apiUrl: gateway.apiUrl,
    agentUrl: gateway.agentUrl,
    temporalAddress: servers.temporalAddress,
    temporalNamespace: context.config.temporalNamespace,
    ...(servers.temporalUiUrl !== undefined && { temporalUiUrl: servers.temporalUiUrl }),
    pid: process.pid,
    identity: processIdentity(process.pid) ?? "",
    pids: {},
  };
}

function readyOf(config: Config, file: StackFile, elapsedMs: number): StackReady {
  const { apiUrl, agentUrl, temporalAddress, temporalUiUrl } = file;
  return {
    apiUrl,
    agentUrl,
    temporalAddress,
    ...(temporalUiUrl !== undefined && { temporalUiUrl }),
    home: config.home,
    try: commandsToTry(config.home),
    startedInMs: Math.round(elapsedMs),
  };
}

/** The CLI looks for the stack in MUSTER_HOME, or in `.muster` where it is run. */
function commandsToTry(home: string): string[] {
  const env = home === resolve(".muster") ? "" : `MUSTER_HOME=${home} `;
  return [
    `${env}npx muster agents`,
    `${env}npx muster send sim-0001 GetHostStats`,
    `${env}npx muster why sim-0001`,
  ];
}

/** The ready line, and what to try, for people. */
export function readyLines(stack: StackReady): string[] {
  const temporal = stack.temporalUiUrl ?? stack.temporalAddress;
  return [
    `ready in ${(stack.startedInMs / 1000).toFixed(1)} s: operator API ${stack.apiUrl}, agents ${stack.agentUrl}, Temporal ${temporal}`,
    "",
    "Try, in another terminal:",
    ...stack.try.map((command) => `  ${command}`),
    "",
    `Logs are in ${join(stack.home, "logs")}. Ctrl-C stops everything; the next start resumes.`,
  ];
}

async function stopAll(services: readonly Service[]): Promise<void> {
  const layers = [...new Set(services.map((service) => service.layer))].sort((a, b) => b - a);
  for (const layer of layers) {
    await Promise.allSettled(
      services.filter((service) => service.layer === layer).map((service) => service.stop()),
    );
  }
}

function pidsOf(services: readonly Service[]): Record<string, number> {
  return Object.fromEntries(
    services.flatMap((service) => {
      const pid = service.pid();
      return pid === undefined ? [] : [[service.name, pid]];
    }),
  );
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener(
      "abort",
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
