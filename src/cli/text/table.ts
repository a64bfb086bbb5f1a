import { plain } from "./plain.ts";

export interface Column<T> {
  readonly title: string;
  readonly text: (row: T) => string;
  /** May be cut, with "…", when the line would be too long. The others never are. */
  readonly cuttable?: boolean;
  readonly align?: "right";
}

const cutWidthMin = 7;
const gap = "  ";

/** Aligned columns with a line of titles, no line longer than `width` if cutting can help it. Ends with a newline. */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[], width: number): string {
  const lines = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => plain(column.text(row)))),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  cut(columns, widths, width);
  return lines
    .map((line) => line.map((text, i) => fit(text, widths[i] ?? 0, columns[i]?.align)))
    .map((line) => `${line.join(gap).trimEnd()}\n`)
    .join("");
}

/** Takes from the widest column that may be cut, until the line fits or nothing is left to take. */
function cut(columns: readonly Column<never>[], widths: number[], width: number): void {
  let tooLong = widths.reduce((sum, one) => sum + one, gap.length * (widths.length - 1)) - width;
  for (; tooLong > 0; tooLong--) {
    let widest = -1;
    widths.forEach((one, i) => {
      const may = columns[i]?.cuttable === true && one > cutWidthMin;
      if (may && one > (widths[widest] ?? 0)) widest = i;
    });
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

function fit(text: string, width: number, align: "right" | undefined): string {
  const short = text.length > width ? `${text.slice(0, Math.max(width - 1, 0))}…` : text;
  return align === "right" ? short.padStart(width) : short.padEnd(width);
}
