import { isIP } from "node:net";
import type { Finding } from "../../api/index.ts";
import type { InvestigateArgs } from "../../workflows/activity-types.ts";
import { icmpProbe } from "./icmp-probe.ts";
import type { Probe, ProbeResult } from "./probe.ts";
import { tcpProbe } from "./tcp-probe.ts";

export interface PingOptions {
  /** Aborts the probes; the finding is then what was seen until there. */
  readonly signal: AbortSignal;
  /** Limit for all probes together, which run at once. */
  readonly timeoutMs: number;
  /** Name or path of the system's `ping`. */
  readonly pingProgram?: string;
}

/** Ports beyond these are not probed: one answer is enough. */
const portsMax = 16;

/**
 * Investigator `ping`: asks the host by ICMP and by TCP connects to its probe ports, all at once. Any reply → Up,
 * at once. Everything else → Unknown, never Down: a host that can't be reached from here may be alive behind
 * a broken switch.
 */
export async function investigateByPing(
  { host }: Pick<InvestigateArgs, "host">,
  options: PingOptions,
): Promise<Finding> {
  const { address } = host;
  if (address === undefined) {
    return unknown(
      "No address of the host is known, so nothing was sent. Set an address in its resource's settings.",
    );
  }
  if (!isAddress(address)) {
    return unknown(
      `"${address.slice(0, 100)}" is neither an IP address nor a host name, so nothing was sent.`,
    );
  }
  const ports = [...new Set(host.probePorts)].filter(isPort).slice(0, portsMax);
  const probes = [
    icmpProbe(options.pingProgram ?? "ping", options.timeoutMs),
    ...ports.map(tcpProbe),
  ];
  return ask(address, probes, options);
}

async function ask(
  address: string,
  probes: readonly Probe[],
  options: PingOptions,
): Promise<Finding> {
  const startedMs = performance.now();
  const settled = new AbortController();
  const signal = AbortSignal.any([
    options.signal,
    settled.signal,
    AbortSignal.timeout(options.timeoutMs),
  ]);
  const running = probes.map((probe) => probe(address, signal));
  const reply = await firstReply(running);
  const took = duration(performance.now() - startedMs);
  if (reply !== undefined) {
    settled.abort();
    return { verdict: "Up", evidence: `Asked ${address}: ${reply.seen} after ${took}.` };
  }
  const seen = (await Promise.all(running)).map((result) => result.seen).join("; ");
  const end = options.signal.aborted ? "cancelled after" : "in";
  return unknown(`Asked ${address}: ${seen}; ${end} ${took}.`);
}

/** The first probe that got a reply; undefined when all ended without one. */
function firstReply(running: readonly Promise<ProbeResult>[]): Promise<ProbeResult | undefined> {
  return new Promise((resolve) => {
    const none = running.map(async (probe) => {
      const result = await probe;
      if (result.replied) resolve(result);
    });
    void Promise.all(none).then(() => {
      resolve(undefined);
    });
  });
}

function unknown(evidence: string): Finding {
  return { verdict: "Unknown", evidence };
}

function duration(elapsedMs: number): string {
  return elapsedMs < 1_000 ? `${Math.round(elapsedMs)} ms` : `${(elapsedMs / 1_000).toFixed(1)} s`;
}

function isAddress(address: string): boolean {
  return isIP(address) !== 0 || /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})$/.test(address);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
