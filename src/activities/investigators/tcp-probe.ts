import { connect } from "node:net";
import type { Probe } from "./probe.ts";

/** Plain words for what a connect ends with. */
const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused",
  ABORT_ERR: "no answer",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ENOTFOUND: "the name is unknown",
};

/**
 * A TCP connect to one port, closed at once. Only an accepted connection counts as a reply. A refused one (RST)
 * usually comes from a living kernel, but firewalls, NAT and load balancers send the same for a host that is dead,
 * and nothing in the packet tells the two apart; so it proves nothing.
 */
export function tcpProbe(port: number): Probe {
  return (address, signal) =>
    new Promise((resolve) => {
      const socket = connect({ host: address, port, signal });
      socket.once("connect", () => {
        socket.destroy();
        resolve({ replied: true, seen: `TCP port ${port}: connection accepted` });
      });
      socket.once("error", (error: NodeJS.ErrnoException) => {
        const said = words[error.code ?? ""] ?? error.code ?? error.message;
        resolve({ replied: false, seen: `TCP port ${port}: ${said}` });
      });
    });
}
