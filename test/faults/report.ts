import type { CellResult } from "./run-cell.ts";

/** One line for people as soon as a cell has ended. */
export function lineOf(result: CellResult, place: string): string {
  const { cell, seconds, done, notSent, unknown, refused, violations, asked, what } = result;
  const verdict = violations.length === 0 ? "ok" : `${violations.length} VIOLATIONS`;
  const counts = `done ${done}, notSent ${notSent}, unknown ${unknown}, refused ${refused}`;
  const times = [
    `held after ${inSeconds(result.heldAfterMs)}`,
    `whole after ${inSeconds(result.healedAfterMs)}`,
    `answered after ${inSeconds(result.answeredAfterMs)}`,
    `well after ${inSeconds(result.wellAfterMs)}`,
  ].join(", ");
  return (
    `${place} ${cell}: ${verdict} in ${seconds.toFixed(1)} s; ${counts}\n` +
    `    ${what}; asked ${asked.toFixed(1)} times; ${times}`
  );
}

/** The table at the end. */
export function tableOf(results: readonly CellResult[]): string {
  const rows = results.map((result) => [
    result.cell,
    result.seconds.toFixed(1),
    String(commandsOf(result)),
    String(result.done),
    String(result.notSent),
    String(result.unknown),
    String(result.refused),
    String(result.violations.length),
  ]);
  const head = [
    "cell",
    "seconds",
    "Commands",
    "done",
    "notSent",
    "unknown",
    "refused",
    "violations",
  ];
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  return [head, ...rows]
    .map((row) =>
      row
        .map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
        .join("  "),
    )
    .join("\n");
}

function commandsOf({ done, notSent, unknown, refused }: CellResult): number {
  return done + notSent + unknown + refused;
}

/** How far the run came, and how to go on where it ended. */
export function reachOf(
  results: readonly CellResult[],
  cells: number,
  { seed, begin }: { readonly seed: string; readonly begin: number },
): string {
  const reached = Math.min(cells, begin - 1 + results.length);
  const commands = results.reduce((sum, result) => sum + commandsOf(result), 0);
  const wrong = results.filter(({ violations }) => violations.length > 0);
  const ran = `${results.length} cells with ${commands} Commands, ${wrong.length} with violations (seed ${seed})`;
  if (reached === cells) return `${ran}; every cell from place ${begin} to ${cells} ran`;
  return `${ran}; places ${begin} to ${reached} of ${cells} ran: go on with --seed ${seed} --begin ${reached + 1}`;
}

/** How to run that cell again, with the same choices. */
export function replayOf({ cell, seed }: CellResult): string {
  return `npm run faults -- --only ${cell} --seed ${seed}`;
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
