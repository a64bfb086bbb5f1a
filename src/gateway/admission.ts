/** Asks the rules of `src/lifecycle/admission.ts` whether an agent may connect, on facts from Postgres. */
import type { Config } from "../config/index.ts";
import {
  findDirectSecretHash,
  findIdentity,
  findPlace,
  learnCluster,
  registerIdentity,
  type Db,
  type Identity,
} from "../db/index.ts";
import { decideAdmission, type AdmissionFacts } from "../lifecycle/admission.ts";
import type { HelloFields } from "../wire/frames.ts";
import type { HostDescription, LifecycleSettings } from "../workflows/agent-messages.ts";
import { HandshakeRefusedError } from "./errors.ts";
import { hashSecret, identityFacts } from "./identity.ts";

/**
 * Proves who the agent is and asks the rules; learns its place where that is allowed, and registers an agent that is
 * new here.
 * @returns the settings that its lifecycle goes by.
 * @throws HandshakeRefusedError with what to change; any other error means that Postgres could not be asked.
 */
export async function admit(
  db: Db,
  config: Config,
  hello: HelloFields,
  host: HostDescription,
): Promise<LifecycleSettings> {
  const { zone, cluster, resourceType } = host;
  const [known, place] = await Promise.all([
    findIdentity(db, hello.agentId),
    findPlace(db, zone, cluster),
  ]);
  const { openAdmission, joinToken } = config;
  const directSecretHash =
    known === undefined ? await findDirectSecretHash(db, hello.agentId) : undefined;
  const identity = identityFacts(hello, known, joinToken, directSecretHash);
  const facts = { agentId: hello.agentId, identity, place, claim: host, openAdmission };
  if (judge(facts).learns) {
    // Another agent may have made it known just now, as something else.
    const clusterType = await learnCluster(db, zone, cluster, resourceType);
    judge({ ...facts, place: { zoneKnown: true, clusterType } });
  }
  if (known === undefined && !(await register(db, hello, host))) {
    // Another connection bound the id just now: then this one has to be the same agent.
    const winner = await findIdentity(db, hello.agentId);
    judge({ ...facts, identity: identityFacts(hello, winner, joinToken) });
  }
  return settingsOf(config, known);
}

/** @throws HandshakeRefusedError when the rules refuse. */
function judge(facts: AdmissionFacts): { readonly learns: boolean } {
  const decision = decideAdmission(facts);
  if (decision.type === "admitted") return decision;
  throw HandshakeRefusedError.of(decision);
}

/** The fleet's settings, overlaid with the agent's own. */
function settingsOf(config: Config, identity: Identity | undefined): LifecycleSettings {
  return {
    pingIntervalMs: identity?.pingIntervalMs ?? config.pingIntervalMs,
    pingTimeoutMultiplier: identity?.pingTimeoutMultiplier ?? config.pingTimeoutMultiplier,
    reconnectGraceMs: config.reconnectGraceMs,
    alertWaitMs: config.alertWaitMs,
    investigateRetryMs: config.investigateRetryMs,
    investigators: config.investigators,
    neighboursAsked: config.neighboursAsked,
    evacuationPolicy: config.evacuationPolicy,
    maintenanceDeadlineMs: config.maintenanceDeadlineMs,
    maintenancePerCluster: config.maintenancePerCluster,
  };
}

async function register(db: Db, hello: HelloFields, host: HostDescription): Promise<boolean> {
  return await registerIdentity(db, {
    id: hello.agentId,
    secretHash: hashSecret(hello.credentials.secret),
    zone: host.zone,
    cluster: host.cluster,
    resourceType: host.resourceType,
    host,
  });
}
