/** What an agent says of itself in its Startup Commands, as one description of its host. */
import type { CommandTraits, StartupCommand } from "../api/index.ts";
import type { HostDescription } from "../workflows/agent-messages.ts";
import { HandshakeRefusedError } from "./errors.ts";

const commandTypesMax = 64;
/** Facts go with the host into each question about it. Those beyond the bounds are left out, never cut: half a URL is another one. */
const factsMax = 64;
const factNameCharsMax = 64;
const factCharsMax = 256;

/**
 * Puts the Startup Commands of one agent together.
 * @throws HandshakeRefusedError when they contradict each other.
 */
export function describeHost(
  startups: readonly StartupCommand[],
  software: string,
): HostDescription {
  const first = startups[0];
  if (first === undefined) {
    throw new HandshakeRefusedError(
      "NO_RESOURCE",
      "The agent brought no resource: send one Startup Command for each.",
    );
  }
  checkNames(startups);
  for (const other of startups) {
    if (other.zone !== first.zone || other.cluster !== first.cluster) {
      throw new HandshakeRefusedError(
        "MIXED_PLACES",
        `Resource ${first.name} says zone ${first.zone}, cluster ${first.cluster}; resource ${other.name} says zone ` +
          `${other.zone}, cluster ${other.cluster}. All resources of an agent are in one cluster: run one agent for each.`,
      );
    }
  }
  const probed = startups.find((startup) => startup.address !== undefined);
  const takesMachines = startups.find((startup) => startup.migrateTo !== undefined);
  const commandTypes = mergeCommandTypes(startups);
  const facts = mergeFacts(startups);
  return {
    zone: first.zone,
    cluster: first.cluster,
    resourceType: first.resourceType,
    software,
    ...(probed?.address !== undefined && { address: probed.address }),
    ...(probed?.probePorts !== undefined && { probePorts: probed.probePorts }),
    ...(facts !== undefined && { facts }),
    ...(takesMachines?.migrateTo !== undefined && { migrateTo: takesMachines.migrateTo }),
    resources: startups.map(({ name, resourceType, version }) => ({ name, resourceType, version })),
    ...(commandTypes !== undefined && { commandTypes }),
  };
}

/** The first resource that knows a fact counts. */
function mergeFacts(startups: readonly StartupCommand[]): HostDescription["facts"] {
  const merged = new Map<string, string | number | boolean>();
  for (const { facts } of startups) {
    for (const [name, fact] of Object.entries(facts ?? {})) {
      const fits =
        name.length <= factNameCharsMax &&
        (typeof fact !== "string" || fact.length <= factCharsMax);
      if (fits && merged.size < factsMax && !merged.has(name)) merged.set(name, fact);
    }
  }
  return merged.size === 0 ? undefined : Object.fromEntries(merged);
}

function checkNames(startups: readonly StartupCommand[]): void {
  const names = new Set<string>();
  for (const { name } of startups) {
    if (names.has(name)) {
      throw new HandshakeRefusedError(
        "DUPLICATE_RESOURCE",
        `Two resources are named ${name}: give each resource of an agent a name of its own.`,
      );
    }
    names.add(name);
  }
}

/** What one resource keeps secret, another one of the agent does not give away. */
function withSecretFields(traits: CommandTraits, more: readonly string[] = []): CommandTraits {
  const secretFields = [...new Set([...more, ...(traits.secretFields ?? [])])];
  return secretFields.length === 0 ? traits : { ...traits, secretFields };
}

function mergeCommandTypes(
  startups: readonly StartupCommand[],
): Record<string, CommandTraits> | undefined {
  const merged = new Map<string, CommandTraits>();
  for (const startup of startups) {
    for (const [type, traits] of Object.entries(startup.commandTypes ?? {})) {
      merged.set(type, withSecretFields(traits, merged.get(type)?.secretFields));
    }
  }
  if (merged.size > commandTypesMax) {
    throw new HandshakeRefusedError(
      "TOO_MANY_COMMAND_TYPES",
      `The agent declares ${merged.size} Command types; ${commandTypesMax} are allowed.`,
    );
  }
  return merged.size === 0 ? undefined : Object.fromEntries(merged);
}
