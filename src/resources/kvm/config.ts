import { KvmConfigError } from "./errors.ts";

/** Settings of the kvm resource, given to its agent with `--config`; all have defaults. */
export interface KvmConfig {
  /** Name of the resource within its agent. */
  readonly name: string;
  /** libvirt connection URI. */
  readonly uri: string;
  /** Program to run: a name on PATH or a path. */
  readonly virsh: string;
  /** Limit for one virsh child that only reads, time in the queue included. */
  readonly commandTimeoutMs: number;
  /** How long StopVm waits for the guest to go off, and RebootVm for it to come round. The caller's wait may be shorter. */
  readonly guestTimeoutMs: number;
  /** StopVm asks the guest again after this time: a guest that is still booting loses the first asking. */
  readonly askAgainMs: number;
  /** virsh children at once; further ones queue. */
  readonly childrenMax: number;
  /** Address for Investigators; by default the host of a remote URI, else the hypervisor's host name. */
  readonly address: string | undefined;
  /** TCP ports at `address` that answer while the host is alive. */
  readonly probePorts: readonly number[];
  /** Further flags of `virsh migrate`, such as `--p2p` or `--copy-storage-all`. */
  readonly migrateFlags: readonly string[];
  /** Address that the guest's memory is sent to (`virsh migrate --migrateuri`), where libvirt's own choice is wrong. */
  readonly migrateUri: string | undefined;
  /** libvirt URI by which the other hosts of the cluster move VMs to this one; absent: nothing is moved here. */
  readonly migrateTo: string | undefined;
}

const uriPattern = /^[a-z][a-z0-9+.-]*:\/\/\S*$/i;

/** Whether the text is a connection URI that virsh can't take for an option. */
export function isConnectionUri(text: string): boolean {
  return uriPattern.test(text) && text.length <= 1024;
}

/**
 * Reads the settings, with defaults for what is not given.
 * @throws KvmConfigError naming the first setting that is unknown or malformed.
 */
export function kvmConfig(given: Readonly<Record<string, unknown>>): KvmConfig {
  const read = reader(given);
  const config: KvmConfig = {
    name: read.text("name", /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/) ?? "kvm",
    uri: read.text("uri", uriPattern) ?? "qemu:///system",
    virsh: read.text("virsh", /^[^\0]+$/) ?? "virsh",
    commandTimeoutMs: read.integer("commandTimeoutMs", 10_000, 100, 600_000),
    guestTimeoutMs: read.integer("guestTimeoutMs", 120_000, 100, 3_600_000),
    askAgainMs: read.integer("askAgainMs", 15_000, 100, 3_600_000),
    childrenMax: read.integer("childrenMax", 4, 1, 64),
    address: read.text("address", /^[A-Za-z0-9:][A-Za-z0-9:.%-]*$/),
    probePorts: read.ports("probePorts"),
    migrateFlags: read.flags("migrateFlags"),
    migrateUri: read.text("migrateUri", uriPattern),
    migrateTo: read.text("migrateTo", uriPattern),
  };
  read.refuseRest();
  return config;
}

function reader(given: Readonly<Record<string, unknown>>) {
  const asked = new Set<string>();
  const value = (name: string): unknown => {
    asked.add(name);
    return given[name];
  };
  const list = (name: string, what: string, fits: (item: unknown) => boolean): unknown[] => {
    const items: unknown = value(name) ?? [];
    if (!Array.isArray(items) || items.length > 16 || !items.every(fits)) {
      throw new KvmConfigError(name, `is not a list of at most 16 ${what}.`);
    }
    return items as unknown[];
  };
  return {
    text(name: string, pattern: RegExp): string | undefined {
      const text = value(name);
      if (text === undefined) return undefined;
      if (typeof text !== "string" || !pattern.test(text)) {
        throw new KvmConfigError(name, `${JSON.stringify(text)} does not match ${pattern.source}.`);
      }
      return text;
    },
    integer(name: string, fallback: number, min: number, max: number): number {
      const number = value(name) ?? fallback;
      if (!Number.isInteger(number) || (number as number) < min || (number as number) > max) {
        throw new KvmConfigError(name, `is not a whole number from ${min} to ${max}.`);
      }
      return number as number;
    },
    ports: (name: string) => list(name, "TCP port numbers", isPort) as number[],
    flags: (name: string) =>
      list(
        name,
        'flags such as "--p2p"',
        (item) => typeof item === "string" && /^--[a-z][a-z0-9-]*$/.test(item),
      ) as string[],
    refuseRest(): void {
      for (const name of Object.keys(given)) {
        if (!asked.has(name)) {
          throw new KvmConfigError(name, `is not known. Known: ${[...asked].sort().join(", ")}.`);
        }
      }
    },
  };
}

/** Whether the value is a TCP port that can be connected to. */
export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535;
}
