import { plain } from "./plain.ts";

const barWidth = 24;

/** How much of a whole is done, on one line that fits a terminal of `width` characters: `label  [####----] 1/2  note`. */
export function progressBar(
  { done, total, isDone = false, label = "", note = "" }: ProgressOfWhole,
  width: number,
): string {
  const share = total === 0 ? Number(isDone) : Math.max(0, done / total);
  const filled = Math.round(share * barWidth);
  const bar = `[${"#".repeat(filled)}${"-".repeat(barWidth - filled)}]`;
  const line = [label, `${bar} ${done}/${total}`, note].filter((part) => part !== "").join("  ");
  return cutLine(line, width);
}

/** What a bar tells of. */
export interface ProgressOfWhole {
  readonly done: number;
  readonly total: number;
  /** Whether it counts as done when there was nothing to do. */
  readonly isDone?: boolean;
  readonly label?: string;
  readonly note?: string;
}

/** Text of others on one line of a terminal that it can't break. */
function cutLine(text: string, width: number): string {
  const line = plain(text);
  return line.length < width ? line : `${line.slice(0, width - 2)}…`;
}
