const actsBySignal = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `act` once when the signal aborts, unless the function that it gives is called before. However many wait for one
 * signal, it gets one listener: Node warns of more than ten, and takes 20 µs to remove one of a thousand.
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  let acts = actsBySignal.get(signal);
  if (acts === undefined) {
    const all = new Set<() => void>();
    acts = all;
    actsBySignal.set(signal, all);
    signal.addEventListener("abort", () => {
      for (const one of all) one();
    });
  }
  acts.add(act);
  return () => acts.delete(act);
}

/** An abort's reason for logs and for the agent: one line, no longer than gateways take. */
export function reasonText(signal: AbortSignal): string {
  const reason: unknown = signal.reason;
  const text = reason instanceof Error ? reason.message : String(reason);
  return text.slice(0, reasonCharsMax);
}

const reasonCharsMax = 1_000;
