/** The simulated hosts of this process, by name: where migrations go and what CheckOnHost sees. */
import type { HostModel } from "./host-model.ts";

const hosts = new Map<string, HostModel>();

/** Puts a host among its neighbours; gives the function that takes it out. */
export function joinNeighbourhood(host: HostModel): () => void {
  hosts.set(host.hostname, host);
  return () => {
    if (hosts.get(host.hostname) === host) hosts.delete(host.hostname);
  };
}

export function findNeighbour(hostname: string): HostModel | undefined {
  return hosts.get(hostname);
}
