/** A moment as views and pages show it. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
