import type { PowerState } from "../../api/index.ts";

/** A VM as `virsh list --uuid --name` names it. */
export interface VmRef {
  readonly uuid: string;
  readonly name: string;
}

/** Reads `virsh list --all --uuid --name`: one line for each VM, the UUID first. Names may hold spaces. */
export function parseVmRefs(output: string): VmRef[] {
  return output.split("\n").flatMap((line) => {
    const match = /^\s*([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s+(\S.*?)\s*$/i.exec(line);
    return match?.[1] === undefined || match[2] === undefined
      ? []
      : [{ uuid: match[1], name: match[2] }];
  });
}

/** Reads lines of `label: value`, as nodeinfo, nodememstats, nodecpustats, version and dominfo write them. */
export function parseFields(output: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of output.split("\n")) {
    const at = line.indexOf(":");
    if (at > 0) fields.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  return fields;
}

/** Reads several dominfo outputs that follow each other, as one virsh with several commands writes them. */
export function parseDominfos(output: string): Map<string, string>[] {
  return output
    .split(/^(?=Id:\s)/m)
    .map(parseFields)
    .filter((fields) => fields.has("UUID"));
}

/** Reads `virsh domstats`: for each VM's name, its `key=value` lines. */
export function parseDomstats(output: string): Map<string, Map<string, string>> {
  const vms = new Map<string, Map<string, string>>();
  let current: Map<string, string> | undefined;
  for (const line of output.split("\n")) {
    const name = /^Domain: '(.*)'\s*$/.exec(line)?.[1];
    if (name !== undefined) {
      current = new Map();
      vms.set(name, current);
      continue;
    }
    const at = line.indexOf("=");
    if (at > 0) current?.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  return vms;
}

/** A whole number such as `16` or, with its unit, `3145728 KiB` (in bytes); undefined for anything else. */
export function parseAmount(text: string | undefined): number | undefined {
  const match = /^(\d+)(?: (KiB))?$/.exec(text ?? "");
  return match?.[1] === undefined ? undefined : Number(match[1]) * (match[2] === "KiB" ? 1024 : 1);
}

/**
 * Power state for libvirt's virDomainState, as a number (domstats) or a word (dominfo). A crashed VM may still
 * have its QEMU (on_crash preserve), so it counts as neither on nor off.
 */
export function powerOf(state: string | undefined): PowerState {
  switch (state) {
    case "1":
    case "running":
    case "2":
    case "idle":
    case "4":
    case "in shutdown":
      return "On";
    case "3":
    case "paused":
    case "7":
    case "pmsuspended":
      return "Paused";
    case "5":
    case "shut off":
      return "Off";
    case undefined:
    default:
      return "Unknown";
  }
}
