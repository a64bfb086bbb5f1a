import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";

/**
 * What tells a process from a later one with the same number: when it began, as the system words it. Undefined when
 * there is no such process (a zombie counts as none).
 */
export function processIdentity(pid: number): string | undefined {
  try {
    if (process.platform !== "linux") {
      const began = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
      return began.trim() || undefined;
    }
    // The command's name stands in parentheses and may hold anything; state and start time come after it.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot}/${fields[19] ?? ""}`;
  } catch {
    return undefined;
  }
}
