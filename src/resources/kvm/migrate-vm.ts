import type { MigrateVmAnswer, ResourceAnswer, WireCommand } from "../../api/index.ts";
import { destinationField, vmField } from "./command-fields.ts";
import type { KvmConfig } from "./config.ts";
import { KvmError } from "./errors.ts";
import { inspectVm, needVm } from "./inventory.ts";
import type { VirshCall } from "./virsh-call.ts";

/**
 * Moves a running VM to another host. The definition moves with it (`--persistent --undefinesource`): left behind
 * it could be started here a second time on the same disks. Cancelled, libvirt takes the migration back.
 */
export async function migrateVm(
  call: VirshCall,
  command: WireCommand,
  config: Pick<KvmConfig, "migrateFlags" | "migrateUri">,
): Promise<ResourceAnswer<MigrateVmAnswer>> {
  const name = vmField(command);
  const destination = destinationField(command);
  const ref = await needVm(call, name);
  const before = await inspectVm(call, ref);
  if (before?.power === "Off") {
    throw new KvmError(
      "VM_NOT_RUNNING",
      `"${name}" is off; only a running VM can be moved. Start it first.`,
    );
  }
  await call.changeUnlessUndone(
    [
      "migrate",
      "--live",
      "--persistent",
      "--undefinesource",
      ...config.migrateFlags,
      ...(config.migrateUri === undefined ? [] : [`--migrateuri=${config.migrateUri}`]),
      `--domain=${ref.uuid}`,
      `--desturi=${destination}`,
    ],
    // virsh itself takes a migration back only for a Ctrl-C at a terminal.
    ["domjobabort", ref.uuid],
  );
  return {
    type: "MigrateVmAnswer",
    result: true,
    details: `"${name}" was moved to ${destination}.`,
  };
}
