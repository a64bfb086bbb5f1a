/**
 * How large Commands and Answers may be, in bytes of their JSON. What is larger is refused, or answered, with a clear
 * error: it must never reach Temporal, which refuses what is larger than 2 MiB.
 */
export const payloadLimits = {
  /** One Command. */
  commandBytes: 384 * 1024,
  /** All Commands of a Request together. */
  requestBytes: 512 * 1024,
} as const;
