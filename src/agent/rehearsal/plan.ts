/**
 * What happens to a simulated fleet in a rehearsal, and what its hosts are like. Pure: the same seed and wishes give the
 * same fleet and the same outage.
 */
import { createHash } from "node:crypto";
import type { Place } from "../resource-set.ts";

/** A zone that falls silent: nothing gets through, and no socket is closed. Times from when all agents were connected. */
export interface ZoneLoss {
  /** `zone-2`; `zone-b` means the same. */
  readonly zone: string;
  readonly atMs: number;
  /** Absent: it does not come back. */
  readonly forMs?: number | undefined;
}

/** A share of the hosts, drawn by the seed. */
export interface HostShare {
  /** Above 0, up to 1. */
  readonly share: number;
  readonly atMs: number;
  /** For flapping: how long it goes on. Default 60 s. */
  readonly forMs?: number | undefined;
}

/** What is wished for. */
export interface Wishes {
  readonly agents: number;
  readonly seed: number;
  readonly zones: number;
  readonly clustersPerZone: number;
  readonly lose: readonly ZoneLoss[];
  readonly kill?: HostShare | undefined;
  readonly flap?: HostShare | undefined;
}

/**
 * `silence` and `voice`: half-open, and back. `kill`: power off, for good. `drop` and `raise`: the sockets end and no new
 * ones open, and back.
 */
export type StepType = "silence" | "voice" | "kill" | "drop" | "raise";

/** Something that happens to some hosts at one moment. */
export interface Step {
  readonly atMs: number;
  readonly type: StepType;
  /** Their numbers, from 0. */
  readonly hosts: readonly number[];
  /** The zone that is lost or back. */
  readonly zone?: string;
}

const flapForMsDefault = 60_000;
/** How long a flapping host is away, and there, each time. */
const awayMs = { least: 2_000, most: 10_000 };
const thereMs = { least: 5_000, most: 20_000 };
/** Flaps of one moment are one step: a line for each of a thousand hosts tells nobody anything. */
const flapGrainMs = 1_000;

/** A number from 0 up to 1 that seed and text decide. */
function drawn(seed: number, text: string): number {
  return createHash("sha256").update(`${seed}/${text}`).digest().readUInt32BE(0) / 0x1_0000_0000;
}

/** A whole number within bounds, both included. */
export function drawnWhole(seed: number, text: string, least: number, most: number): number {
  return least + Math.floor(drawn(seed, text) * (most - least + 1));
}

/** Where a host stands. */
export function drawnPlace(wishes: Omit<Wishes, "lose">, host: number): Place {
  const { seed, zones, clustersPerZone } = wishes;
  const zone = `zone-${drawnWhole(seed, `zone/${host}`, 1, zones)}`;
  const cluster = `${zone}-cluster-${drawnWhole(seed, `cluster/${host}`, 1, clustersPerZone)}`;
  return { zone, cluster };
}

/** All that will happen, in order of time. */
export function planRehearsal(wishes: Wishes): readonly Step[] {
  const hosts = Array.from({ length: wishes.agents }, (_, host) => host);
  const killed = chosen(wishes, "kill", hosts, wishes.kill);
  const flapping = chosen(wishes, "flap", hosts, wishes.flap);
  return [
    ...wishes.lose.flatMap((loss) => zoneSteps(wishes, hosts, loss)),
    ...(wishes.kill === undefined || killed.length === 0
      ? []
      : [{ atMs: wishes.kill.atMs, type: "kill" as const, hosts: killed }]),
    ...flapSteps(wishes, flapping),
  ].sort((a, b) => a.atMs - b.atMs);
}

function zoneSteps(wishes: Wishes, hosts: readonly number[], loss: ZoneLoss): readonly Step[] {
  const zone = canonicalZone(loss.zone);
  const inZone = hosts.filter((host) => drawnPlace(wishes, host).zone === zone);
  const { atMs, forMs } = loss;
  const gone: Step = { atMs, type: "silence", hosts: inZone, zone };
  return forMs === undefined
    ? [gone]
    : [gone, { atMs: atMs + forMs, type: "voice", hosts: inZone, zone }];
}

/** `zone-b` is the second zone, as people count who name them by letters. */
function canonicalZone(zone: string): string {
  const [, letter] = /^zone-([a-z])$/.exec(zone) ?? [];
  return letter === undefined ? zone : `zone-${letter.charCodeAt(0) - "a".charCodeAt(0) + 1}`;
}

/** The hosts whose draw is lowest: always the same number of them for one share. */
function chosen(
  { seed, agents }: Wishes,
  what: string,
  hosts: readonly number[],
  wish: HostShare | undefined,
): readonly number[] {
  if (wish === undefined) return [];
  return hosts
    .map((host) => ({ host, draw: drawn(seed, `${what}/${host}`) }))
    .sort((a, b) => a.draw - b.draw)
    .slice(0, Math.round(agents * wish.share))
    .map(({ host }) => host)
    .sort((a, b) => a - b);
}

function flapSteps({ seed, flap }: Wishes, hosts: readonly number[]): readonly Step[] {
  if (flap === undefined) return [];
  const endMs = flap.atMs + (flap.forMs ?? flapForMsDefault);
  const steps = new Map<string, { atMs: number; type: StepType; hosts: number[] }>();
  const add = (atMs: number, type: StepType, host: number): void => {
    const key = `${atMs}/${type}`;
    const step = steps.get(key) ?? { atMs, type, hosts: [] };
    step.hosts.push(host);
    steps.set(key, step);
  };
  const grains = (what: string, { least, most }: typeof awayMs): number =>
    flapGrainMs * drawnWhole(seed, what, least / flapGrainMs, most / flapGrainMs);
  for (const host of hosts) {
    let atMs = flap.atMs + grains(`flap/${host}/first`, { least: 0, most: thereMs.most });
    for (let turn = 0; atMs < endMs; turn++) {
      add(atMs, "drop", host);
      atMs += grains(`flap/${host}/${turn}/away`, awayMs);
      add(atMs, "raise", host);
      atMs += grains(`flap/${host}/${turn}/there`, thereMs);
    }
  }
  return [...steps.values()];
}
