/** Digest of all that the build is made from. */
export function sourceStamp(): string;
