/** Size of a value as JSON in UTF-8, in bytes: what Temporal will store. */
export function sizeOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
