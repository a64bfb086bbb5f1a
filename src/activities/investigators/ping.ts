import type { Finding, InvestigateOptions, Investigator, LostHost } from "../../api/index.ts";
import { shippedInvestigators } from "../../lifecycle/investigator-catalogue.ts";
import { usableAddress } from "./address.ts";
import { icmpProbe } from "./icmp-probe.ts";
import type { Probe, ProbeResult } from "./probe.ts";
import { tcpProbe } from "./tcp-probe.ts";
import { unknown } from "./unknown.ts";

/** Ports beyond these are not probed: one answer is enough. */
const portsMax = 16;

/**
 * Investigator `ping`: asks the host by ICMP and by TCP connects to its probe ports, all at once. Any reply → Up,
 * at once. Everything else → Unknown, never Down: a host that can't be reached from here may be alive behind
 * a broken switch.
 * @param program name or path of the system's `ping`
 */
export function createPing(program = "ping"): Investigator {
  return {
    name: "ping",
    summary: shippedInvestigators.ping,
    investigate: (host, options) => investigate(program, host, options),
  };
}

async function investigate(
  program: string,
  { address, probePorts }: LostHost,
  options: InvestigateOptions,
): Promise<Finding> {
  const usable = usableAddress(address);
  if ("problem" in usable) return unknown(usable.problem);
  const ports = [...new Set(probePorts)].filter(isPort).slice(0, portsMax);
  const probes = [icmpProbe(program, options.timeoutMs), ...ports.map(tcpProbe)];
  return ask(usable.address, probes, options);
}

async function ask(
  address: string,
  probes: readonly Probe[],
  options: InvestigateOptions,
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

function duration(elapsedMs: number): string {
  return elapsedMs < 1_000 ? `${Math.round(elapsedMs)} ms` : `${(elapsedMs / 1_000).toFixed(1)} s`;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
