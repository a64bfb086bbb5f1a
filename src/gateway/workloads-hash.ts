import type { ResourceStatus } from "../api/index.ts";

/** Starts of two 32-bit FNV-1a hashes that go over the same text. */
const seeds = [0x811c9dc5, 0x9e3779b9] as const;
const prime = 0x01000193;

/**
 * A number of 52 bits by which changed workloads are told from unchanged ones; their order does not count, because
 * hypervisors list them in any. Undefined when no resource says anything of its workloads.
 */
export function hashOfWorkloads(resources: readonly ResourceStatus[]): number | undefined {
  let says = false;
  let high = 0;
  let low = 0;
  const add = (text: string): void => {
    high = (high + fnv(text, seeds[0])) >>> 0;
    low = (low + fnv(text, seeds[1])) >>> 0;
  };
  for (const { name, workloads } of resources) {
    if (workloads === undefined) {
      add(`${name}\0?`);
      continue;
    }
    says = true;
    add(`${name}\0!`);
    for (const [workload, power] of Object.entries(workloads)) {
      add(`${name}\0${workload}\0${power}`);
    }
  }
  return says ? high * 2 ** 20 + (low >>> 12) : undefined;
}

function fnv(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), prime);
  return hash >>> 0;
}
