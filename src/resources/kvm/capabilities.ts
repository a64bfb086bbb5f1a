import { XMLParser } from "fast-xml-parser";
import { KvmError } from "./errors.ts";

/** What a machine of this host is declared as. */
export interface GuestKind {
  readonly arch: string;
  /** libvirt's domain type: `kvm` with hardware virtualisation, `qemu` emulated, `test` in the test driver. */
  readonly domainType: string;
}

/** What `virsh capabilities` says that Muster needs. */
export interface Capabilities {
  readonly hostArch: string;
  readonly cpuModel: string | undefined;
  /** Best way to run fully virtualised machines here; undefined when the host can't. */
  readonly guest: GuestKind | undefined;
}

/** Element or list of elements: the parser gives a list for more than one. */
type Many<T> = T | readonly T[] | undefined;
interface GuestElement {
  readonly os_type?: unknown;
  readonly arch?: {
    readonly "@name"?: string;
    readonly domain?: Many<{ readonly "@type"?: string }>;
  };
}
interface CapabilitiesDocument {
  readonly capabilities?: {
    readonly host?: { readonly cpu?: { readonly arch?: unknown; readonly model?: unknown } };
    readonly guest?: Many<GuestElement>;
  };
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
  processEntities: false,
});

/** @throws KvmError LIBVIRT_ERROR when the text is not a capabilities document. */
export function parseCapabilities(xml: string): Capabilities {
  const document = parser.parse(xml) as CapabilitiesDocument;
  const cpu = document.capabilities?.host?.cpu;
  if (typeof cpu?.arch !== "string") {
    throw new KvmError(
      "LIBVIRT_ERROR",
      "virsh capabilities names no CPU architecture of the host. Check that the connection URI leads to a hypervisor.",
    );
  }
  const guests = many(document.capabilities?.guest).filter((guest) => guest.os_type === "hvm");
  const guest = guests.find((one) => one.arch?.["@name"] === cpu.arch) ?? guests[0];
  return {
    hostArch: cpu.arch,
    cpuModel: typeof cpu.model === "string" ? cpu.model : undefined,
    guest: guestKind(guest),
  };
}

function guestKind(guest: GuestElement | undefined): GuestKind | undefined {
  const arch = guest?.arch?.["@name"];
  const types = many(guest?.arch?.domain).flatMap((domain) => domain["@type"] ?? []);
  const domainType = types.includes("kvm") ? "kvm" : types[0];
  return arch === undefined || domainType === undefined ? undefined : { arch, domainType };
}

function many<T>(value: Many<T>): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
