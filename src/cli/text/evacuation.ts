/** How far an evacuation is, for terminals and for plain lines. */
import type { EvacuationProgress } from "../api/types.ts";
import { progressBar } from "./progress-bar.ts";

/** One line: phase, machines, what it waits for or how it ended. */
export function evacuationLine(progress: EvacuationProgress): string {
  const { phase, total, moved, stopped, remaining, waitingFor, outcome } = progress;
  const counts = total === 0 ? "" : `${moved} moved, ${stopped} stopped, ${remaining} left; `;
  return `${phase}: ${counts}${outcome ?? `waiting for ${waitingFor ?? "nothing"}`}`;
}

/** A bar that fits one terminal line of `width`: how many of the machines are off the host. */
export function evacuationBar(id: string, progress: EvacuationProgress, width: number): string {
  const { total, remaining } = progress;
  const isDone = progress.phase === "done";
  const done = total - remaining;
  return progressBar({ done, total, isDone, label: id, note: evacuationLine(progress) }, width);
}
