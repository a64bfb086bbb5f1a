import { isIP } from "node:net";
import type { StartupCommand } from "../../api/index.ts";
import { parseCapabilities } from "./capabilities.ts";
import type { KvmConfig } from "./config.ts";
import { parseAmount, parseFields } from "./parse-output.ts";
import type { VirshCall } from "./virsh-call.ts";

/** Version of this resource; raised when what it sends or understands changes. */
const resourceVersion = "1.0.0";

/** What the resource says of its host when the agent connects. */
export async function describeHost(
  call: VirshCall,
  config: Pick<KvmConfig, "name" | "uri" | "address" | "probePorts" | "migrateTo">,
): Promise<Omit<StartupCommand, "type" | "zone" | "cluster">> {
  const [version, node, capabilities, hostname] = await Promise.all([
    call.read("version").then(parseFields),
    call.read("nodeinfo").then(parseFields),
    call.read("capabilities").then(parseCapabilities),
    call.read("hostname").then((text) => text.trim()),
  ]);
  const facts = {
    hostname,
    hypervisor: version.get("Running hypervisor"),
    libvirt: version.get("Using library"),
    cpuCount: parseAmount(node.get("CPU(s)")),
    cpuModel: capabilities.cpuModel,
    memoryBytes: parseAmount(node.get("Memory size")),
    arch: capabilities.hostArch,
    hardwareVirtualisation: capabilities.guest?.domainType === "kvm",
  };
  const address = config.address ?? hostOfUri(config.uri) ?? hostname;
  return {
    name: config.name,
    resourceType: "kvm",
    version: resourceVersion,
    ...(address !== "" && { address }),
    ...(config.probePorts.length > 0 && { probePorts: config.probePorts }),
    ...(config.migrateTo !== undefined && { migrateTo: config.migrateTo }),
    facts: Object.fromEntries(
      Object.entries(facts).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      ),
    ),
  };
}

/** Host of a remote connection URI such as `qemu+ssh://root@host2/system`; undefined for a local one. */
function hostOfUri(uri: string): string | undefined {
  const host = URL.canParse(uri) ? new URL(uri).hostname.replace(/^\[(.*)\]$/, "$1") : "";
  if (host === "") return undefined;
  return isIP(host) !== 0 ? host : decodeURIComponent(host);
}
