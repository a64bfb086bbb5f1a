/** The stack's own processes: gateway, worker, agents. Each gets only the settings that it needs. */
import { join } from "node:path";
import type { Config } from "../config/index.ts";
import { startMusterProcess, type MusterProcess } from "./muster-process.ts";
import { runCommand } from "./run-command.ts";
import { settled, type StackContext } from "./stack-context.ts";
import type { DataServers } from "./stack-servers.ts";

export interface GatewayAddresses {
  readonly agentUrl: string;
  readonly apiUrl: string;
}

const layers = { worker: 1, gateway: 2, agents: 3 } as const;
/** The machine's own libvirt. */
const libvirtUri = "qemu:///system";

export async function startGateway(
  context: StackContext,
  servers: DataServers,
): Promise<GatewayAddresses> {
  const { config, secrets } = context;
  context.say("starting the gateway");
  const { ready } = await keepProcess(context, "gateway", layers.gateway, ["gateway"], {
    ...servers.env,
    MUSTER_HOME: config.home,
    MUSTER_API_TOKEN: secrets.apiToken,
    MUSTER_JOIN_TOKEN: secrets.joinToken,
  });
  return {
    agentUrl: nearUrl(config, ready["agentUrl"], `ws://127.0.0.1:${config.agentPort}/agent`),
    apiUrl: nearUrl(config, ready["apiUrl"], `http://127.0.0.1:${config.apiPort}`),
  };
}

/**
 * How this machine reaches the gateway. It names itself by the host's name for others, which this machine need not be
 * able to look up; a certificate is for that name, though.
 */
function nearUrl(config: Config, told: unknown, fallback: string): string {
  const url = new URL(typeof told === "string" ? told : fallback);
  const everywhere = config.host === "0.0.0.0" || config.host === "::";
  if (config.tlsCertFile === undefined) url.hostname = everywhere ? "127.0.0.1" : config.host;
  return url.href.replace(/\/$/, "");
}

export async function startWorker(context: StackContext, servers: DataServers): Promise<void> {
  context.say("starting the worker");
  await keepProcess(context, "worker", layers.worker, ["worker"], {
    ...servers.env,
    MUSTER_HOME: context.config.home,
    MUSTER_API_TOKEN: undefined,
    MUSTER_JOIN_TOKEN: undefined,
  });
}

/** Simulated hosts in one process, and this machine where its libvirt answers. */
export async function startAgents(
  context: StackContext,
  gateway: GatewayAddresses,
  simulatedHosts: number,
): Promise<void> {
  const { config, home } = context;
  // An agent never sees Temporal or Postgres, nor the operators' token.
  const env = {
    ...Object.fromEntries(Object.keys(config.temporalEnv).map((name) => [name, undefined])),
    DATABASE_URL: undefined,
    MUSTER_API_TOKEN: undefined,
    MUSTER_JOIN_TOKEN: context.secrets.joinToken,
    MUSTER_GATEWAYS: gateway.agentUrl,
  };
  const starting: Promise<unknown>[] = [];
  if (simulatedHosts > 0) {
    context.say(`starting ${simulatedHosts} simulated hosts`);
    const args = ["sim", "--agents", String(simulatedHosts)];
    starting.push(
      keepProcess(context, "sim", layers.agents, args, {
        ...env,
        MUSTER_HOME: join(home.home, "sim"),
      }),
    );
  }
  if (await libvirtAnswers(context.signal)) {
    context.say(`starting an agent for this machine's libvirt (${libvirtUri})`);
    const args = ["agent", "--resource", "kvm", "--uri", libvirtUri];
    starting.push(
      keepProcess(context, "kvm", layers.agents, args, {
        ...env,
        MUSTER_HOME: join(home.home, "kvm"),
      }),
    );
  }
  await settled(starting);
}

async function libvirtAnswers(signal: AbortSignal): Promise<boolean> {
  const { failure } = await runCommand("virsh", ["-c", libvirtUri, "version"], {
    timeoutMs: 3_000,
    signal,
  });
  return failure === undefined;
}

async function keepProcess(
  context: StackContext,
  name: string,
  layer: number,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<MusterProcess> {
  return await context.keep({
    name,
    layer,
    start: (signal) =>
      startMusterProcess({
        args,
        env,
        logFile: join(context.home.logsDir, `${name}.log`),
        note: { pidsDir: context.pidsDir, name, layer },
        signal,
      }),
  });
}
