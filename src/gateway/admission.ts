/** Whether an agent may connect (seed: ResourceManager). Refusals say what to change. */
import type { Config } from "../config/index.ts";
import {
  declareCluster,
  findClusterType,
  findIdentity,
  registerIdentity,
  type Db,
  type Identity,
} from "../db/index.ts";
import type { HelloFields } from "../wire/frames.ts";
import type { HostDescription, LifecycleSettings } from "../workflows/agent-messages.ts";
import { HandshakeRefusedError } from "./errors.ts";
import { hashSecret, proveIdentity, proveInvitation } from "./identity.ts";

/**
 * Proves who the agent is and asks the rules; registers an agent that is new here.
 * @returns the settings that its lifecycle goes by.
 * @throws HandshakeRefusedError with what to change; any other error means that Postgres could not be asked.
 */
export async function admit(
  db: Db,
  config: Config,
  hello: HelloFields,
  host: HostDescription,
): Promise<LifecycleSettings> {
  const known = await findIdentity(db, hello.agentId);
  if (known === undefined) proveInvitation(hello, config.joinToken);
  else proveIdentity(hello, known);
  await checkPlace(db, config, host);
  if (known === undefined) await register(db, hello, host);
  return settingsOf(config, known);
}

/** The fleet's settings, overlaid with the agent's own. */
function settingsOf(config: Config, identity: Identity | undefined): LifecycleSettings {
  return {
    pingIntervalMs: identity?.pingIntervalMs ?? config.pingIntervalMs,
    pingTimeoutMultiplier: identity?.pingTimeoutMultiplier ?? config.pingTimeoutMultiplier,
    reconnectGraceMs: config.reconnectGraceMs,
    alertWaitMs: config.alertWaitMs,
    investigateRetryMs: config.investigateRetryMs,
    evacuationPolicy: config.evacuationPolicy,
    maintenanceDeadlineMs: config.maintenanceDeadlineMs,
    maintenancePerCluster: config.maintenancePerCluster,
  };
}

async function checkPlace(db: Db, config: Config, host: HostDescription): Promise<void> {
  const { zone, cluster } = host;
  let clusterType = await findClusterType(db, zone, cluster);
  if (clusterType === undefined && config.openAdmission) {
    clusterType = await declareCluster(db, zone, cluster, host.resourceType);
  }
  if (clusterType === undefined) {
    throw new HandshakeRefusedError(
      "CLUSTER_UNKNOWN",
      `Cluster ${cluster} of zone ${zone} is not declared, and agents may not declare it (MUSTER_OPEN_ADMISSION=false). ` +
        `Declare it, or correct the agent's zone and cluster.`,
    );
  }
  const wrong = host.resources.find((resource) => resource.resourceType !== clusterType);
  if (wrong !== undefined) {
    throw new HandshakeRefusedError(
      "RESOURCE_TYPE_MISMATCH",
      `Cluster ${cluster} of zone ${zone} holds ${clusterType} resources; resource ${wrong.name} is ` +
        `${wrong.resourceType}. Put the agent into a cluster of its own type.`,
    );
  }
}

async function register(db: Db, hello: HelloFields, host: HostDescription): Promise<void> {
  const isNew = await registerIdentity(db, {
    id: hello.agentId,
    secretHash: hashSecret(hello.credentials.secret),
    zone: host.zone,
    cluster: host.cluster,
    resourceType: host.resourceType,
    host,
  });
  if (isNew) return;
  // Another connection bound the id just now: then this one has to be the same agent.
  const winner = await findIdentity(db, hello.agentId);
  if (winner !== undefined) proveIdentity(hello, winner);
}
