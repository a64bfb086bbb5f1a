import { execa } from "execa";
import type { Probe } from "./probe.ts";

/**
 * One ICMP echo by the system's `ping`: the program has the right to send it, this process needs none. No shell;
 * the address comes after `--`, so it can't be an option.
 * @param program name or path of `ping`
 * @param timeoutMs how long to wait for the reply
 */
export function icmpProbe(program: string, timeoutMs: number): Probe {
  const seconds = String(Math.max(1, Math.ceil(timeoutMs / 1_000)));
  return async (address, signal) => {
    const result = await execa(program, ["-n", "-q", "-c", "1", "-W", seconds, "--", address], {
      stdin: "ignore",
      env: { LC_ALL: "C", LANGUAGE: "C" },
      cancelSignal: signal,
      forceKillAfterDelay: 1_000,
      maxBuffer: 64 * 1024,
      reject: false,
    });
    if (result.exitCode === 0) return { replied: true, seen: "ICMP echo: reply" };
    // iputils: 1 is no reply, 2 anything else, such as an unknown name or no right to send.
    if (result.exitCode === 1 || result.isCanceled) {
      return { replied: false, seen: "ICMP echo: no reply" };
    }
    return { replied: false, seen: `ICMP echo: could not be sent (${reason(program, result)})` };
  };
}

function reason(
  program: string,
  result: { readonly code?: string | undefined; readonly stderr: string },
): string {
  if (result.code === "ENOENT") return `${program} is not installed on this worker`;
  const line = result.stderr.trim().split("\n")[0] ?? "";
  return line === "" ? `${program} failed` : line.slice(0, 200);
}
