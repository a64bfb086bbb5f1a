/** How the hosts of a simulated fleet are shared out over processes. Pure. */

/** What one of several processes simulates: every host whose number leaves `index` when divided by `of`. */
export interface Slice {
  readonly index: number;
  readonly of: number;
}

/** A host has a socket, and from its first Command that changes something a journal. */
const filesPerHost = 2;
/** What a process has open without hosts, and some room. */
const filesOfProcess = 100;

/**
 * How many processes simulate so many hosts: as many as asked, else as few as may open the files.
 * @param openFilesMax what one process may have open; absent: any number.
 */
export function processesFor(agents: number, asked?: number, openFilesMax = Infinity): number {
  const hostsMax = Math.max(1, Math.floor((openFilesMax - filesOfProcess) / filesPerHost));
  return Math.min(agents, asked ?? Math.max(1, Math.ceil(agents / hostsMax)));
}

/** The numbers of its hosts in the fleet, from 0. */
export function hostsOf({ index, of }: Slice, agents: number): readonly number[] {
  const count = Math.max(0, Math.ceil((agents - index) / of));
  return Array.from({ length: count }, (_, turn) => index + turn * of);
}

/** The name of the host with that number: `sim-0001` is number 0. */
export function hostId(prefix: string, host: number): string {
  return `${prefix}-${String(host + 1).padStart(4, "0")}`;
}

/** The number of the host with that name; undefined when the fleet has none such. */
export function hostNumber(prefix: string, agents: number, id: string): number | undefined {
  const host = Number(id.slice(prefix.length + 1)) - 1;
  const isOne = Number.isInteger(host) && host >= 0 && host < agents;
  return isOne && hostId(prefix, host) === id ? host : undefined;
}
