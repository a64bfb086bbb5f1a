const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Ctrl-C under npm comes twice, from the terminal and from npm, and means one asking. Signals this close to the first
 * are the same one.
 */
const sameAskingMs = 1_000;

/** The part of `process` that is needed. */
export interface SignalSource {
  on(signal: string, listener: () => void): unknown;
  exit(code: number): void;
}

/** Aborted by the first SIGTERM, SIGINT or SIGHUP. A later one ends the process at once, whatever it is doing. */
export function onStopSignals(source: SignalSource, nowMs: () => number): AbortSignal {
  const stopping = new AbortController();
  let firstAtMs: number | undefined;
  for (const [name, code] of Object.entries(codes)) {
    source.on(name, () => {
      firstAtMs ??= nowMs();
      if (!stopping.signal.aborted) stopping.abort();
      else if (nowMs() - firstAtMs >= sameAskingMs) source.exit(code);
    });
  }
  return stopping.signal;
}
