import type { ServerResource } from "../api/index.ts";
import type { Log } from "../telemetry/log.ts";
import { Container } from "./container.ts";
import { agentHome, occupyHome, type AgentHome } from "./home.ts";
import { loadOrMakeSecret } from "./identity.ts";
import { Journal } from "./journal.ts";
import { createDial } from "./link.ts";
import { loadResource } from "./load-resource.ts";
import { ManagerPort } from "./manager-port.ts";
import type { AgentOptions, AgentReady, DirectOptions } from "./options.ts";
import { ResourceSet } from "./resource-set.ts";
import { softwareName } from "./software.ts";

/**
 * Runs one agent until the signal aborts; then it says goodbye and resolves.
 * @param onReady called once, with the first open session.
 * @param direct given when it runs inside a gateway.
 * @throws AgentHomeError, ResourceLoadError, JournalError when it can't start.
 */
export async function runAgent(
  options: AgentOptions,
  log: Log,
  signal: AbortSignal,
  onReady?: (ready: AgentReady) => void,
  direct?: DirectOptions,
): Promise<void> {
  const { agentId } = options;
  const home = agentHome(options.home, agentId);
  const letGo = await occupyHome(home);
  try {
    const container = await buildContainer(options, home, log, onReady, direct);
    await container.run(signal);
  } finally {
    letGo();
  }
}

async function buildContainer(
  options: AgentOptions,
  home: AgentHome,
  log: Log,
  onReady: ((ready: AgentReady) => void) | undefined,
  direct: DirectOptions | undefined,
): Promise<Container> {
  const { agentId, joinToken, frameBytesMax } = options;
  const secret = direct?.secret ?? (await loadOrMakeSecret(home.secretFile, log));
  const journal = new Journal(home.journalFile, log);
  await journal.load();
  const resources: ServerResource[] = [];
  const manager = new ManagerPort();
  for (const spec of options.resources) {
    const resource = await loadResource(spec, agentId, manager);
    resources.push(direct === undefined ? resource : direct.guard(resource));
  }
  let ready = onReady;
  return new Container({
    agentId,
    gateways: options.gateways,
    credentials: { secret, ...(joinToken !== undefined && { joinToken }) },
    software: softwareName(),
    resources: new ResourceSet(resources, options, log),
    manager,
    journal,
    dial: createDial(options),
    stays: direct !== undefined,
    frameBytesMax,
    log,
    shutdownReason: options.shutdownReason,
    onOpen: (session) => {
      ready?.({ agentId, ...session });
      ready = undefined;
    },
  });
}
