/**
 * Whether an agent may connect: the ResourceManager's one decision (seed; DESIGN §6). Pure: its gateway gathers the facts
 * and asks. Identity is judged first, so that nobody who can't prove his own learns anything of the fleet's places.
 */

/** Why an agent may not connect. Append only: agents, operators and dashboards match on these. */
export type AdmissionRefusal =
  | "UNSUPPORTED_VERSION"
  | "JOIN_TOKEN_NEEDED"
  | "JOIN_TOKEN_WRONG"
  | "SECRET_WRONG"
  | "REMOVED"
  | "ZONE_UNKNOWN"
  | "CLUSTER_UNKNOWN"
  | "RESOURCE_TYPE_MISMATCH"
  | "RESOURCE_TYPE_CHANGED"
  | "DIRECT_AGENT";

/** What is known of who the agent is. */
export type IdentityFacts =
  /** Nobody has bound this id: the join token of the installation lets an agent do it. */
  | { readonly type: "unknown"; readonly joinToken: "none" | "wrong" | "right" }
  | {
      readonly type: "known";
      readonly secret: "wrong" | "right";
      readonly removed: boolean;
      /** With which the agent last connected. */
      readonly resourceType: string;
    }
  /** The id is declared as a direct agent's: only what its owner made for it opens, no join token. */
  | {
      readonly type: "direct";
      readonly secret: "wrong" | "right";
      readonly removed: boolean;
      /** With which the agent last connected; undefined when it never did. */
      readonly resourceType: string | undefined;
    };

/** What is known of the place that the agent claims. */
export interface PlaceFacts {
  readonly zoneKnown: boolean;
  /** Resource type of the cluster; undefined when the cluster is not known. */
  readonly clusterType: string | undefined;
}

/** What the agent says of itself. */
export interface AgentClaim {
  readonly zone: string;
  readonly cluster: string;
  readonly resourceType: string;
  readonly resources: readonly { readonly name: string; readonly resourceType: string }[];
}

export interface AdmissionFacts {
  readonly agentId: string;
  readonly identity: IdentityFacts;
  readonly place: PlaceFacts;
  readonly claim: AgentClaim;
  /** Whether places that nobody declared are learnt from agents. */
  readonly openAdmission: boolean;
}

export interface AdmissionRefused {
  readonly type: "refused";
  readonly code: AdmissionRefusal;
  /** Goes to the agent and to operators: what is wrong, and what to change. */
  readonly message: string;
  /** The agent is registered and showed its own secret, so its lifecycle may hear of it. */
  readonly proven: boolean;
  /** The agent may be admitted later though nobody changes anything. */
  readonly retryable: boolean;
}

export type AdmissionDecision =
  /** `learns`: the place is not known yet and becomes so. */
  { readonly type: "admitted"; readonly learns: boolean } | AdmissionRefused;

/** Decides whether an agent that speaks the protocol may connect. */
export function decideAdmission(facts: AdmissionFacts): AdmissionDecision {
  return (
    judgeIdentity(facts) ??
    judgePlace(facts) ??
    judgeTypes(facts) ?? { type: "admitted", learns: facts.place.clusterType === undefined }
  );
}

/** The refusal of an agent whose frames are of a version that its gateway does not speak. */
export function refuseVersion(spoken: number, ours: number): AdmissionRefused {
  return refused(
    "UNSUPPORTED_VERSION",
    `The agent speaks version ${spoken} of the protocol, this gateway version ${ours}. Install a release of the agent ` +
      `that speaks version ${ours}, or upgrade the gateways.`,
    false,
  );
}

function judgeIdentity({ agentId, identity }: AdmissionFacts): AdmissionRefused | undefined {
  if (identity.type === "unknown") {
    if (identity.joinToken === "right") return undefined;
    return identity.joinToken === "none"
      ? refused(
          "JOIN_TOKEN_NEEDED",
          `Agent id ${agentId} is not known here. Its first connect needs the join token (MUSTER_JOIN_TOKEN).`,
          false,
        )
      : refused(
          "JOIN_TOKEN_WRONG",
          `The join token is not this cluster's. Give agent ${agentId} the MUSTER_JOIN_TOKEN of its gateways.`,
          false,
        );
  }
  // Before the secret, which its removal has revoked: whoever shows whatever secret is told that the id is used up.
  if (identity.removed) return refuseRemoved(agentId);
  if (identity.secret === "right") return undefined;
  if (identity.type === "direct") {
    return refused(
      "DIRECT_AGENT",
      `Agent id ${agentId} is declared as a direct agent: the gateway that owns it runs it. Give this agent an id of its ` +
        `own, or end the declaration (muster remove ${agentId} --yes).`,
      false,
    );
  }
  return refused(
    "SECRET_WRONG",
    `The secret is not the one that agent id ${agentId} is bound to. Two agents may share an id, or the agent lost its ` +
      `state directory: give it an id of its own, or remove the old agent first.`,
    false,
  );
}

/** The refusal of an agent that an operator has removed. */
export function refuseRemoved(agentId: string): AdmissionRefused {
  return refused(
    "REMOVED",
    `Agent ${agentId} was removed by an operator. Connect with a new agent id.`,
    false,
  );
}

function judgePlace(facts: AdmissionFacts): AdmissionRefused | undefined {
  const { place, claim, openAdmission } = facts;
  if (openAdmission || place.clusterType !== undefined) return undefined;
  const { zone, cluster, resourceType } = claim;
  const declare = `muster cluster add ${zone} ${cluster} --type ${resourceType}`;
  return place.zoneKnown
    ? refused(
        "CLUSTER_UNKNOWN",
        `Zone ${zone} has no cluster ${cluster}, and agents may not make it known (MUSTER_OPEN_ADMISSION=false). ` +
          `Declare it (${declare}), or correct the agent's cluster.`,
        isKnown(facts),
      )
    : refused(
        "ZONE_UNKNOWN",
        `There is no zone ${zone}, and agents may not make it known (MUSTER_OPEN_ADMISSION=false). ` +
          `Declare it (muster zone add ${zone}; ${declare}), or correct the agent's zone.`,
        isKnown(facts),
      );
}

/** A cluster that is about to be learnt gets the type of the agent's first resource. */
function judgeTypes(facts: AdmissionFacts): AdmissionRefused | undefined {
  const { agentId, identity, claim } = facts;
  const { zone, cluster, resourceType } = claim;
  const clusterType = facts.place.clusterType ?? resourceType;
  const wrong = claim.resources.find((resource) => resource.resourceType !== clusterType);
  if (wrong !== undefined) {
    return refused(
      "RESOURCE_TYPE_MISMATCH",
      `Cluster ${cluster} of zone ${zone} holds ${clusterType} resources; resource ${wrong.name} is ` +
        `${wrong.resourceType}. Put the agent into a cluster of its own type.`,
      isKnown(facts),
    );
  }
  // Another cluster of the same type is a move; another type is another host, whose history and Commands are not these.
  const knownType = identity.type === "unknown" ? undefined : identity.resourceType;
  if (knownType !== undefined && knownType !== resourceType) {
    return refused(
      "RESOURCE_TYPE_CHANGED",
      `Agent ${agentId} is known as a host of type ${knownType} and now brings ${resourceType}. ` +
        `Give the new host an agent id of its own, and remove the old one (muster remove ${agentId} --yes).`,
      true,
    );
  }
  return undefined;
}

/** Asked of agents whose identity was found in order. */
function isKnown({ identity }: AdmissionFacts): boolean {
  return identity.type !== "unknown" && identity.resourceType !== undefined;
}

function refused(code: AdmissionRefusal, message: string, proven: boolean): AdmissionRefused {
  // Every refusal of this page stands until somebody corrects something.
  return { type: "refused", code, message, proven, retryable: false };
}

/** Rests of a refused agent, in milliseconds, before jitter. */
const retryMs = { retryable: 5_000, setUp: 60_000, forGood: 300_000 };
const jitterShare = 0.25;

/**
 * When a refused agent is to try again, in milliseconds: slowly, because only somebody's correction helps; and not all
 * at once, because one wrong setting often refuses many.
 * @param random from 0 up to 1.
 */
export function refusalRetryMs(
  refusal: { readonly code: string; readonly retryable: boolean },
  random: number,
): number {
  const base = refusal.retryable
    ? retryMs.retryable
    : refusal.code === "REMOVED"
      ? retryMs.forGood
      : retryMs.setUp;
  return Math.round(base * (1 - jitterShare + 2 * jitterShare * random));
}
