import { execa } from "execa";
import { isIP } from "node:net";
import type { Finding, Investigator, LostHost } from "../../api/index.ts";
import { shippedInvestigators } from "../../lifecycle/investigator-catalogue.ts";
import { usableAddress } from "./address.ts";
import { unknown } from "./unknown.ts";

/** An ended child must not outlive this: SIGKILL follows. */
const killGraceMs = 500;

/**
 * Investigator `kvm`: asks the host's own libvirt, over the network and past its agent. An answer → Up. Everything
 * else → Unknown: libvirtd may be down on a host that lives.
 * @param uriTemplate such as `qemu+tls://{address}/system`; `{address}` stands for the host's address
 * @param program name or path of `virsh`
 */
export function createKvm(uriTemplate: string | undefined, program = "virsh"): Investigator {
  return {
    name: "kvm",
    summary: shippedInvestigators.kvm,
    async investigate(host, { signal }) {
      if (uriTemplate === undefined) {
        return unknown("Its libvirt was not asked: MUSTER_KVM_INVESTIGATOR_URI is not set.");
      }
      const uri = uriOf(uriTemplate, host);
      return "problem" in uri ? unknown(uri.problem) : await ask(program, uri.uri, signal);
    },
  };
}

function uriOf(
  template: string,
  host: LostHost,
): { readonly uri: string } | { readonly problem: string } {
  if (!template.includes("{address}")) return { uri: template };
  const usable = usableAddress(host.address);
  if ("problem" in usable) return usable;
  const { address } = usable;
  return { uri: template.replaceAll("{address}", isIP(address) === 6 ? `[${address}]` : address) };
}

/** No shell, and the URI is part of an option, so that it can't become one. */
async function ask(program: string, uri: string, signal: AbortSignal): Promise<Finding> {
  const startedMs = performance.now();
  const result = await execa(program, [`--connect=${uri}`, "--quiet", "hostname"], {
    stdin: "ignore",
    env: { LC_ALL: "C", LANGUAGE: "C" },
    cancelSignal: signal,
    forceKillAfterDelay: killGraceMs,
    maxBuffer: 64 * 1_024,
    reject: false,
  });
  const tookMs = Math.round(performance.now() - startedMs);
  const hostname = result.stdout.trim();
  if (result.exitCode === 0 && hostname !== "") {
    return {
      verdict: "Up",
      evidence: `libvirt at ${uri} answered after ${tookMs} ms as ${hostname.slice(0, 100)}.`,
    };
  }
  return unknown(`libvirt at ${uri} was asked: ${reason(program, result)}; in ${tookMs} ms.`);
}

function reason(
  program: string,
  result: {
    readonly isCanceled: boolean;
    readonly code?: string | undefined;
    readonly stderr: string;
  },
): string {
  if (result.isCanceled) return "no answer";
  if (result.code === "ENOENT") return `${program} is not installed on this worker`;
  const line = result.stderr.trim().split("\n").at(-1) ?? "";
  return line === "" ? `${program} failed and said nothing` : line.slice(0, 300);
}
