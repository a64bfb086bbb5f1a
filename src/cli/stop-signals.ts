const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Aborted by the first SIGTERM, SIGINT or SIGHUP. The second one ends the process at once, whatever it is doing. */
export function onStopSignals(): AbortSignal {
  const stopping = new AbortController();
  for (const [name, code] of Object.entries(codes)) {
    process.on(name, () => {
      if (stopping.signal.aborted) process.exit(code);
      stopping.abort();
    });
  }
  return stopping.signal;
}
