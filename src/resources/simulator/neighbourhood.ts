/** Simulated hosts by name: where migrations go and what CheckOnHost sees. */
import type { VmInfo } from "../../api/index.ts";
import type { HostModel } from "./host-model.ts";

/** Why a host does not do what it was asked. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** The hosts of one fleet that other processes simulate. What can't be found out is thrown, never guessed. */
export interface HostsElsewhere {
  /** Whether it runs and has power. */
  isThere(hostname: string): Promise<boolean>;
  /** Has it take in a VM; gives why it did not. */
  receive(hostname: string, commandId: string, vm: VmInfo): Promise<Refusal | undefined>;
}

/** Those of this process. */
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
