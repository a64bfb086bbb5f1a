/** Times for people, in this machine's time zone. */

/** Such as "4 s", "12 min", "3 h", "5 d": the largest unit that fits. */
export function roughly(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Such as "0.25 s", "12.3 s", "3 min 20 s". */
export function took(durationMs: number): string {
  if (durationMs < 9_950) return `${Number((durationMs / 1_000).toPrecision(2))} s`;
  if (durationMs < 60_000) return `${(durationMs / 1_000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Such as "2026-11-23". */
export function dateOf(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** Such as "21:40:12.345". */
export function clockOf(at: Date): string {
  const ms = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`;
}

/** Such as "2026-11-23 21:40:12". */
export function stampOf(at: Date): string {
  return `${dateOf(at)} ${clockOf(at).slice(0, 8)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
