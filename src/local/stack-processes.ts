/** The stack's own processes: gateway, worker, agents. Each gets only the settings that it needs. */
import { join } from "node:path";
import type { Config } from "../config/index.ts";
import { startMusterProcess, type MusterProcess } from "./muster-process.ts";
import { runCommand } from "./run-command.ts";
import { codecEnv } from "./stack-codec.ts";
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
  const { config, ports, secrets } = context;
  context.say("starting the gateway");
  const { ready } = await context.keep({
    name: "gateway",
    layer: layers.gateway,
    start: processStarter(context, "gateway", layers.gateway, ["gateway"], {
      ...servers.env,
      MUSTER_HOME: config.home,
      MUSTER_AGENT_PORT: String(ports.agent),
      MUSTER_API_PORT: String(ports.api),
      MUSTER_API_TOKEN: secrets.apiToken,
      MUSTER_JOIN_TOKEN: secrets.joinToken,
      ...codecEnv(context),
    }),
  });
  return {
    agentUrl: nearUrl(config, ready["agentUrl"], `ws://127.0.0.1:${ports.agent}/agent`),
    apiUrl: nearUrl(config, ready["apiUrl"], `http://127.0.0.1:${ports.api}`),
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
  await context.keep({
    name: "worker",
    layer: layers.worker,
    start: processStarter(context, "worker", layers.worker, ["worker"], {
      ...servers.env,
      MUSTER_HOME: context.config.home,
      MUSTER_API_TOKEN: undefined,
      MUSTER_JOIN_TOKEN: undefined,
      MUSTER_CODEC_TOKEN: undefined,
    }),
  });
}

/**
 * Simulated hosts in one process, and this machine where its libvirt answers. Hosts that do not connect (an operator
 * may have removed one) do not keep the stack from starting.
 */
export async function startAgents(
  context: StackContext,
  agentUrl: string,
  simulatedHosts: number,
): Promise<void> {
  const { config, home, say } = context;
  // An agent never sees Temporal or Postgres, nor the operators' token, nor what payloads are encrypted with.
  const env = {
    ...Object.fromEntries(Object.keys(config.temporalEnv).map((name) => [name, undefined])),
    DATABASE_URL: undefined,
    MUSTER_API_TOKEN: undefined,
    MUSTER_PAYLOAD_KEY: undefined,
    MUSTER_CODEC_TOKEN: undefined,
    MUSTER_JOIN_TOKEN: context.secrets.joinToken,
    MUSTER_GATEWAYS: agentUrl,
  };
  const start = (name: string, args: readonly string[]) =>
    context.keepTrying({
      name,
      layer: layers.agents,
      start: processStarter(context, name, layers.agents, args, {
        ...env,
        MUSTER_HOME: join(home.home, name),
      }),
    });
  const starting: Promise<void>[] = [];
  if (simulatedHosts > 0) {
    say(`starting ${simulatedHosts} simulated hosts`);
    starting.push(start("sim", ["sim", "--agents", String(simulatedHosts)]));
  }
  if (await libvirtAnswers(context.signal)) {
    say(`starting an agent for this machine's libvirt (${libvirtUri})`);
    starting.push(start("kvm", ["agent", "--resource", "kvm", "--uri", libvirtUri]));
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

function processStarter(
  context: StackContext,
  name: string,
  layer: number,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): (signal: AbortSignal) => Promise<MusterProcess> {
  return (signal) =>
    startMusterProcess({
      args,
      env,
      logFile: join(context.home.logsDir, `${name}.log`),
      note: { pidsDir: context.pidsDir, name, layer },
      // Agents that can't connect go on trying; the others have all they need, or never will.
      ...(layer === layers.agents && { readyWithinMs: 10_000 }),
      signal,
    });
}
