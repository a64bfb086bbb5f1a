/**
 * Text that Postgres takes. Hosts write most of what we keep, and one NUL or half a surrogate pair in it would
 * otherwise make the whole statement fail on every retry.
 */
export function storableText(text: string): string {
  return Buffer.from(text).toString().replaceAll("\0", "\u{FFFD}");
}

/** JSON for a jsonb column, every string and key in it storable; null for undefined. */
export function storableJson(value: unknown): string | null {
  if (value === undefined) return null;
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "string") return storableText(part);
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([key, one]) => [storableText(key), one]));
  });
}
