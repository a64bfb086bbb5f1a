/** The kvm resource: hosts run by libvirt, through virsh (docs/KVM.md). */
import type { ResourceFactory } from "../../api/index.ts";
import { kvmConfig } from "./config.ts";
import { KvmResource } from "./kvm-resource.ts";
import { createVirsh } from "./virsh.ts";

/** @throws KvmConfigError when a setting is unknown or malformed. */
const createKvmResource: ResourceFactory = ({ config }) => {
  const settings = kvmConfig(config);
  const virsh = createVirsh({
    program: settings.virsh,
    uri: settings.uri,
    childrenMax: settings.childrenMax,
  });
  return new KvmResource(settings, virsh);
};
export default createKvmResource;
