/** What may be declared as a direct agent, and what of its settings is secret. Pure. */

/** Kinds of resources that every gateway runs. */
export const directKinds: readonly string[] = ["simulator", "kvm"];

type Settings = Readonly<Record<string, unknown>>;

/** Names of settings whose values are secret, wherever they stand. */
const secretNames =
  /pass(word|wd|phrase)?$|secret|token|credential|(api|private|access|signing)[-_]?key/i;
const mask = "***";

/** The settings as people may see them: secrets, and passwords in URLs, are masked. */
export function maskedSettings(settings: Settings): Settings {
  return masked(settings) as Settings;
}

/** Whether there is anything secret in them. */
export function holdsSecrets(settings: Settings): boolean {
  return JSON.stringify(maskedSettings(settings)) !== JSON.stringify(settings);
}

function masked(value: unknown): unknown {
  if (typeof value === "string") return maskedUrl(value);
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      secretNames.test(name) && inner !== null && inner !== "" ? mask : masked(inner),
    ]),
  );
}

function maskedUrl(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#@:]*):[^/?#@]+@/i, `$1:${mask}@`);
}

/**
 * Why a resource may not be declared so, with what to change; undefined when it may. It runs as the gateway, wherever its
 * owner is: so it names a host, and no program.
 * @param allowed modules that the gateway's operator allows beside the built-in kinds.
 */
export function whyNotDirect(
  resource: string,
  settings: Settings,
  allowed: readonly string[],
): string | undefined {
  if (resource === "kvm") return whyNotKvm(settings);
  if (directKinds.includes(resource) || allowed.includes(resource)) return undefined;
  const known = [...directKinds, ...allowed].join(", ");
  return `Gateways run no resource ${resource} as a direct agent: they run ${known}. Name its module in MUSTER_DIRECT_RESOURCES of the gateways.`;
}

/** Parameters of libvirt's URIs that run a program or name a socket of the machine (libvirt.org/uri.html). */
const localParameters = ["command", "netcat", "socket", "proxy", "pkipath"];

function whyNotKvm({ uri, virsh }: Settings): string | undefined {
  if (virsh !== undefined) {
    return "The setting virsh names a program of the gateway's machine: leave it out, the gateway runs virsh from its PATH.";
  }
  if (typeof uri !== "string" || !URL.canParse(uri)) {
    return 'The resource kvm needs the libvirt URI of its host, such as {"uri":"qemu+ssh://root@host/system"}.';
  }
  const { protocol, hostname, searchParams } = new URL(uri);
  if (protocol === "test:") return undefined;
  const [, transport] = protocol.slice(0, -1).split("+");
  if (transport === "ext" || transport === "unix" || hostname === "") {
    return `${uri} leads to the machine of whichever gateway runs the agent: give the URI of its host, such as qemu+ssh://root@host/system.`;
  }
  const local = localParameters.find((name) => searchParams.has(name));
  if (local === undefined) return undefined;
  return `${uri} says by ${local} what the gateway's machine is to run or open: leave that out.`;
}
