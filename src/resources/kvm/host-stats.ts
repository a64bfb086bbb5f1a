import type { GetHostStatsAnswer, HostStats, ResourceAnswer } from "../../api/index.ts";
import { KvmError } from "./errors.ts";
import { listPower } from "./inventory.ts";
import { parseAmount, parseFields } from "./parse-output.ts";
import type { VirshCall } from "./virsh-call.ts";

/** CPU time of the host since its start, in nanoseconds. */
interface CpuTime {
  readonly usedNs: number;
  readonly totalNs: number;
}

/** Answers GetHostStats. Remembers the last CPU reading only, to tell the share that was in use since. */
export class HostStatsReader {
  #last: CpuTime | undefined;

  async read(call: VirshCall): Promise<ResourceAnswer<GetHostStatsAnswer>> {
    const [node, memory, cpu, hostname, power] = await Promise.all([
      call.read("nodeinfo").then(parseFields),
      whereSupported(call.read("nodememstats")).then((text) => parseFields(text ?? "")),
      whereSupported(call.read("nodecpustats")).then((text) => parseFields(text ?? "")),
      call.read("hostname"),
      listPower(call),
    ]);
    const powers = Object.values(power);
    const cpuUsed = this.#cpuUsed(cpuTimeOf(cpu));
    const stats: HostStats = {
      hostname: hostname.trim(),
      cpuCount: needAmount(node, "CPU(s)", "nodeinfo"),
      ...(cpuUsed !== undefined && { cpuUsed }),
      ...(memoryOf(memory) ?? (await memoryWithoutStats(call, node))),
      vmsRunning: powers.filter((one) => one === "On").length,
      vmsTotal: powers.length,
    };
    return { type: "GetHostStatsAnswer", result: true, stats };
  }

  #cpuUsed(now: CpuTime | undefined): number | undefined {
    const last = this.#last;
    this.#last = now;
    if (last === undefined || now === undefined) return undefined;
    const totalNs = now.totalNs - last.totalNs;
    if (totalNs <= 0) return undefined;
    return Math.min(1, Math.max(0, (now.usedNs - last.usedNs) / totalNs));
  }
}

/** Page cache counts as free: the kernel gives it up when a VM wants the memory. */
function memoryOf(
  fields: ReadonlyMap<string, string>,
): Pick<HostStats, "memoryTotalBytes" | "memoryFreeBytes"> | undefined {
  const total = parseAmount(fields.get("total"));
  const free = parseAmount(fields.get("free"));
  if (total === undefined || free === undefined) return undefined;
  const cache =
    (parseAmount(fields.get("buffers")) ?? 0) + (parseAmount(fields.get("cached")) ?? 0);
  return { memoryTotalBytes: total, memoryFreeBytes: Math.min(total, free + cache) };
}

async function memoryWithoutStats(
  call: VirshCall,
  node: ReadonlyMap<string, string>,
): Promise<Pick<HostStats, "memoryTotalBytes" | "memoryFreeBytes">> {
  const free = parseFields(await call.read("freecell"));
  return {
    memoryTotalBytes: needAmount(node, "Memory size", "nodeinfo"),
    memoryFreeBytes: needAmount(free, "Total", "freecell"),
  };
}

function cpuTimeOf(fields: ReadonlyMap<string, string>): CpuTime | undefined {
  const times = new Map([...fields].map(([name, text]) => [name, parseAmount(text) ?? 0] as const));
  const totalNs = [...times.values()].reduce((sum, ns) => sum + ns, 0);
  const restNs = (times.get("idle") ?? 0) + (times.get("iowait") ?? 0);
  return totalNs === 0 ? undefined : { usedNs: totalNs - restNs, totalNs };
}

function needAmount(fields: ReadonlyMap<string, string>, name: string, command: string): number {
  const amount = parseAmount(fields.get(name));
  if (amount === undefined) {
    throw new KvmError(
      "LIBVIRT_ERROR",
      `virsh ${command} gave no "${name}". Run it by hand with the agent's connection URI to see why.`,
    );
  }
  return amount;
}

async function whereSupported(output: Promise<string>): Promise<string | undefined> {
  try {
    return await output;
  } catch (error) {
    if (error instanceof KvmError && error.code === "UNSUPPORTED_BY_DRIVER") return undefined;
    throw error;
  }
}
