import { XMLParser } from "fast-xml-parser";
import type { VmSpec } from "../../api/index.ts";
import type { GuestKind } from "./capabilities.ts";
import { KvmError } from "./errors.ts";

const parser = new XMLParser({ parseTagValue: false, trimValues: true });

/**
 * Domain XML of a plain machine: CPUs, memory, ACPI (so that it can be asked to shut down) and a serial console.
 * Whoever wants disks and networks gives `spec.definition`.
 */
export function generateDomainXml(name: string, spec: VmSpec, guest: GuestKind): string {
  return [
    `<domain type="${escapeXml(guest.domainType)}">`,
    `  <name>${escapeXml(name)}</name>`,
    `  <memory unit="b">${spec.memoryBytes}</memory>`,
    `  <vcpu>${spec.cpuCount}</vcpu>`,
    `  <os><type arch="${escapeXml(guest.arch)}">hvm</type></os>`,
    "  <features><acpi/></features>",
    '  <devices><console type="pty"/></devices>',
    "</domain>",
  ].join("\n");
}

/**
 * Refuses a definition that names another VM than the Command does: it would define, or redefine, a VM that
 * nobody asked for. libvirt checks the rest.
 * @throws KvmError INVALID_DEFINITION
 */
export function checkDefinition(name: string, definition: string): void {
  const named = nameIn(definition);
  if (named === name) return;
  const found =
    typeof named === "string" ? `names "${named}"` : "is no <domain> with exactly one <name>";
  throw new KvmError(
    "INVALID_DEFINITION",
    `spec.definition ${found}, but the Command is for "${name}". Make the two equal.`,
  );
}

function nameIn(definition: string): unknown {
  try {
    const document = parser.parse(definition) as { domain?: { name?: unknown } };
    return document.domain?.name;
  } catch (cause) {
    throw new KvmError(
      "INVALID_DEFINITION",
      `spec.definition is not XML: ${cause instanceof Error ? cause.message : "it can't be read"}`,
      { cause },
    );
  }
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
