/** CPU time by process, from /proc: on a machine that all processes share it says whose work a rate is made of. */
import { readdirSync, readFileSync } from "node:fs";

/** Processes to watch, by the name that the result gives them; each counts with all its descendants. */
export type Watched = Readonly<Record<string, number | undefined>>;

/** Milliseconds of CPU (user and system) that each has used so far; empty where there is no /proc. */
export type CpuTimes = Readonly<Record<string, number>>;

/** The kernel counts in hundredths of a second on every Linux that Node runs on. */
const tickMs = 10;

/** Reads what each watched process and its descendants, those that have ended too, have used. */
export function readCpu(watched: Watched): CpuTimes {
  const processes = readProcesses();
  const used = (pid: number): number => {
    const own = processes.get(pid)?.ms ?? 0;
    const children = [...processes].filter(([, { parent }]) => parent === pid);
    return children.reduce((sum, [child]) => sum + used(child), own);
  };
  const times: Record<string, number> = {};
  for (const [name, pid] of Object.entries(watched)) {
    if (pid !== undefined && processes.has(pid)) times[name] = used(pid);
  }
  // Its children are watched by themselves.
  if (processes.size > 0) times["bench"] = ownMs();
  return times;
}

/** What was used between two readings, in milliseconds for each of `calls`. */
export function cpuPerCall(before: CpuTimes, after: CpuTimes, calls: number): CpuTimes {
  const perCall: Record<string, number> = {};
  for (const [name, ms] of Object.entries(after)) {
    perCall[name] = (ms - (before[name] ?? 0)) / Math.max(1, calls);
  }
  return perCall;
}

function ownMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function readProcesses(): Map<number, { readonly parent: number; readonly ms: number }> {
  const found = new Map<number, { parent: number; ms: number }>();
  for (const name of folders("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const fields = statFields(pid);
    if (fields === undefined) continue;
    // Fields 4 and 14 to 17 of proc(5): parent; own user and system time, and those of children that have ended.
    const [parent = 0, ...ticks] = [1, 11, 12, 13, 14].map((index) => Number(fields[index]));
    found.set(pid, { parent, ms: ticks.reduce((sum, one) => sum + one, 0) * tickMs });
  }
  return found;
}

/** The fields after the name, which may hold spaces and brackets itself; the first is the state. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    // Ended in the meantime.
    return undefined;
  }
}

function folders(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
