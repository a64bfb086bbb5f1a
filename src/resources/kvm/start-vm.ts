import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ResourceAnswer, StartVmAnswer, VmSpec, WireCommand } from "../../api/index.ts";
import { parseCapabilities } from "./capabilities.ts";
import { specField, vmField } from "./command-fields.ts";
import { checkDefinition, generateDomainXml } from "./domain-xml.ts";
import { KvmError } from "./errors.ts";
import { findVm, inspectVm, needVm } from "./inventory.ts";
import type { VmRef } from "./parse-output.ts";
import { isAlreadyActive } from "./virsh-failure.ts";
import type { VirshCall } from "./virsh-call.ts";

/**
 * Starts a VM, defining it first when the host doesn't know it. A VM that runs already is a success, so the
 * Command may be repeated; the `spec` of a known VM is not looked at.
 */
export async function startVm(
  call: VirshCall,
  command: WireCommand,
): Promise<ResourceAnswer<StartVmAnswer>> {
  const name = vmField(command);
  const spec = specField(command);
  const known = await findVm(call, name);
  if (known === undefined && spec === undefined) {
    throw new KvmError(
      "VM_NOT_FOUND",
      `This host knows no VM named "${name}". Give a spec to define it, or name one of the VMs that it lists.`,
    );
  }
  const ref =
    known ?? (spec === undefined ? await needVm(call, name) : await define(call, name, spec));
  const details = await start(call, ref);
  const vm = await inspectVm(call, ref);
  return { type: "StartVmAnswer", result: true, details, ...(vm !== undefined && { vm }) };
}

async function start(call: VirshCall, ref: VmRef): Promise<string> {
  const before = await inspectVm(call, ref);
  if (before?.power === "On") return `"${ref.name}" runs already.`;
  if (before?.power === "Paused") {
    throw new KvmError(
      "VM_PAUSED",
      `"${ref.name}" is paused, so it can't be started. See why (virsh domstate --reason), then resume it, or stop it with force and start it.`,
    );
  }
  try {
    await call.change(["start", ref.uuid]);
  } catch (error) {
    // Somebody else was quicker.
    if (!isAlreadyActive(error)) throw error;
  }
  return `"${ref.name}" was started.`;
}

async function define(call: VirshCall, name: string, spec: VmSpec): Promise<VmRef> {
  const xml = spec.definition ?? (await generate(call, name, spec));
  checkDefinition(name, xml);
  // virsh reads a file; /dev/stdin is a socket under Node, which can't be opened.
  const folder = await mkdtemp(join(tmpdir(), "muster-kvm-"));
  try {
    const file = join(folder, "domain.xml");
    await writeFile(file, xml, { mode: 0o600 });
    await call.change(["define", file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return needVm(call, name);
}

async function generate(call: VirshCall, name: string, spec: VmSpec): Promise<string> {
  const { guest } = parseCapabilities(await call.read("capabilities"));
  if (guest === undefined) {
    throw new KvmError(
      "UNSUPPORTED_BY_DRIVER",
      "This host can run no fully virtualised machine. Install QEMU for its architecture or give spec.definition.",
    );
  }
  return generateDomainXml(name, spec, guest);
}
