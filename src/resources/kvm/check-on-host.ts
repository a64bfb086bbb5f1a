import { execa } from "execa";
import { connect, isIP } from "node:net";
import type { CheckOnHostAnswer, HostToCheck, ResourceAnswer } from "../../api/index.ts";
import { KvmError } from "./errors.ts";

/** Limit for each probe; all run at once. */
const probeTimeoutMs = 3_000;

/**
 * Looks for another host of the cluster from here: TCP connects to its probe ports and one ICMP echo, all at once;
 * the first reply settles it. Only a reply is proof of anything: a refused connection may come from a firewall that
 * answers for a dead host, and silence may be the network between the two. So this never claims a death.
 */
export async function checkOnHost(
  host: HostToCheck,
  signal: AbortSignal,
): Promise<ResourceAnswer<CheckOnHostAnswer>> {
  const address = needAddress(host);
  const ports = host.probePorts ?? [];
  const done = new AbortController();
  const stop = AbortSignal.any([signal, done.signal, AbortSignal.timeout(probeTimeoutMs)]);
  try {
    const probes = [
      ...ports.map((port) => accepts(address, port, stop)),
      answersPing(address, stop),
    ];
    const details = await Promise.any(probes);
    return { type: "CheckOnHostAnswer", result: true, seen: true, details };
  } catch {
    if (signal.aborted) throw new KvmError("CANCELLED", "The look for the host was cancelled.");
    return {
      type: "CheckOnHostAnswer",
      result: true,
      seen: false,
      details: `${address} gave no reply to ICMP${ports.length > 0 ? ` and accepted no connection to TCP port ${ports.join(", ")}` : ""} within ${probeTimeoutMs / 1_000} s. That proves nothing by itself.`,
    };
  } finally {
    done.abort();
  }
}

function needAddress(host: HostToCheck): string {
  const address = host.address;
  if (address === undefined) {
    throw new KvmError(
      "NO_ADDRESS",
      `No address of ${host.agentId} is known. Set "address" in its resource's settings.`,
    );
  }
  if (isIP(address) === 0 && !/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(address)) {
    throw new KvmError(
      "INVALID_COMMAND",
      `CheckOnHost: "${address}" is neither an IP address nor a host name.`,
    );
  }
  return address;
}

function accepts(address: string, port: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve(`${address} accepted a connection to TCP port ${port}.`);
    });
    socket.once("error", reject);
  });
}

/** One ICMP echo by the system's ping, which has the right to send it. Rejects when nothing came back. */
async function answersPing(address: string, signal: AbortSignal): Promise<string> {
  const seconds = String(Math.ceil(probeTimeoutMs / 1_000));
  await execa("ping", ["-n", "-q", "-c", "1", "-W", seconds, "--", address], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    cancelSignal: signal,
  });
  return `${address} replied to an ICMP echo.`;
}
