/** The stack's own processes: gateway, worker, agents. Each gets only the settings that it needs. */
import { join } from "node:path";
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
  const secure = config.tlsCertFile === undefined ? "" : "s";
  return {
    agentUrl: text(ready["agentUrl"]) ?? `ws${secure}://127.0.0.1:${config.agentPort}/agent`,
    apiUrl: text(ready["apiUrl"]) ?? `http${secure}://127.0.0.1:${config.apiPort}`,
  };
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

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
