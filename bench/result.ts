/** What a bench found, and how it is told to people and to programs. */
import type { CpuTimes } from "./cpu.ts";
import type { Rate } from "./measure.ts";
import { median } from "./measure.ts";

export interface BenchResult {
  readonly bench: string;
  /** What both numbers count, such as `commands/s`. */
  readonly unit: string;
  readonly figure: number;
  readonly floor: number;
  /** figure / floor. */
  readonly ratio: number;
  /** The least ratio that the design asks for. */
  readonly asked?: number;
  /** The least figure that it asks for, where it is not a ratio. */
  readonly askedFigure?: number;
  /** The most, where less is better. */
  readonly askedMost?: number;
  readonly askedFigureMost?: number;
  readonly [more: string]: unknown;
}

/** One pair of rounds, floor and figure right after each other, so that the machine's drift hits both. */
export interface Pair {
  readonly floor: Rate;
  readonly figure: Rate;
}

/** Sums up pairs by their medians; the ratio is the median of the pairs' own ratios. */
export function summarise(bench: string, unit: string, pairs: readonly Pair[]): BenchResult {
  const of = (pick: (pair: Pair) => number): number => median(pairs.map(pick));
  return {
    bench,
    unit,
    figure: round(of((pair) => pair.figure.perSecond)),
    floor: round(of((pair) => pair.floor.perSecond)),
    ratio: round(of((pair) => pair.figure.perSecond / pair.floor.perSecond)),
    p50Ms: round(of((pair) => pair.figure.p50Ms)),
    p99Ms: round(of((pair) => pair.figure.p99Ms)),
    floorP50Ms: round(of((pair) => pair.floor.p50Ms)),
    floorP99Ms: round(of((pair) => pair.floor.p99Ms)),
    ...(pairs[0]?.floor.cpuMs && {
      cpuMs: medianCpu(pairs.map((pair) => pair.figure.cpuMs ?? {})),
      floorCpuMs: medianCpu(pairs.map((pair) => pair.floor.cpuMs ?? {})),
    }),
  };
}

/** CPU time by process for one call, in milliseconds; with the sum, which is what a full machine's rate comes from. */
export function medianCpu(readings: readonly CpuTimes[]): CpuTimes {
  const names = Object.keys(readings[0] ?? {});
  const times = names.map((name) => [name, median(readings.map((one) => one[name] ?? 0))] as const);
  const sum = times.reduce((total, [, ms]) => total + ms, 0);
  return Object.fromEntries(
    [...times, ["sum", sum] as const].map(([name, ms]) => [name, round(ms)]),
  );
}

/** Three significant places are all that a shared machine can tell. */
export function round(value: number): number {
  return Number(value.toPrecision(3));
}

/** One line of JSON, or a few lines for people. */
export function show(result: BenchResult, json: boolean): string {
  if (json) return JSON.stringify(result);
  const { bench, unit, figure, floor, ratio, ...rest } = result;
  const { asked, askedFigure, askedMost, askedFigureMost, ...more } = rest;
  return [
    `${bench}: ${figure} ${unit}${verdict(figure, askedFigure, askedFigureMost)}`,
    `  floor  ${floor} ${unit}`,
    `  ratio  ${ratio}${verdict(ratio, asked, askedMost)}`,
    ...Object.entries(more).map(([name, value]) => `  ${name}  ${JSON.stringify(value)}`),
  ].join("\n");
}

function verdict(value: number, least: number | undefined, most: number | undefined): string {
  const met = (isMet: boolean): string => (isMet ? "met" : "not met");
  if (least !== undefined) return ` (asked ≥ ${least}: ${met(value >= least)})`;
  return most === undefined ? "" : ` (asked ≤ ${most}: ${met(value <= most)})`;
}
