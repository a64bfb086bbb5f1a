import { setTimeout as sleep } from "node:timers/promises";
import { KvmError, type KvmErrorCode } from "./errors.ts";
import { isTakenBack } from "./virsh-failure.ts";
import type { Virsh } from "./virsh.ts";

/** How long libvirt may take to take work back, and the time between two tries. */
const undoWithinMs = 30_000;
const undoIntervalMs = 200;

/** Codes after which it is not known from the message alone whether libvirt did the work. */
const interrupted = new Set<KvmErrorCode>([
  "CANCELLED",
  "TIMED_OUT",
  "LIBVIRT_BUSY",
  "LIBVIRT_CONNECTION_LOST",
]);
/** Codes that say that this child certainly changed nothing. */
const neverArrived = new Set<KvmErrorCode>(["VIRSH_MISSING", "LIBVIRT_UNREACHABLE"]);

/**
 * virsh for one Command: keeps its children within the caller's wait and remembers whether any of them may
 * have changed something, which is what `outcome` depends on.
 */
export class VirshCall {
  readonly signal: AbortSignal;
  readonly #virsh: Virsh;
  readonly #readTimeoutMs: number;
  readonly #endsAtMs: number;
  #mayHaveChanged = false;

  constructor(
    virsh: Virsh,
    limits: {
      readonly signal: AbortSignal;
      readonly waitMs: number;
      readonly readTimeoutMs: number;
    },
  ) {
    this.#virsh = virsh;
    this.signal = limits.signal;
    this.#readTimeoutMs = limits.readTimeoutMs;
    // A little less than the caller waits, so that the caller gets the reason and not only an end.
    this.#endsAtMs = performance.now() + limits.waitMs - Math.min(1_000, limits.waitMs / 10);
  }

  /** Time left for this Command in milliseconds; at least 1. */
  remainingMs(): number {
    return Math.max(1, Math.floor(this.#endsAtMs - performance.now()));
  }

  /** Runs a virsh command that changes nothing. */
  read(...args: readonly string[]): Promise<string> {
    return this.#virsh.run(args, {
      signal: this.signal,
      timeoutMs: Math.min(this.#readTimeoutMs, this.remainingMs()),
    });
  }

  /** Runs a virsh command that changes nothing but waits for something, `timeoutMs` at most. */
  watch(args: readonly string[], timeoutMs: number): Promise<string> {
    return this.#virsh.run(args, { signal: this.signal, timeoutMs });
  }

  /** Runs a virsh command that changes something; it may take as long as the caller waits. */
  change(args: readonly string[]): Promise<string> {
    return this.#change(args, this.signal, this.remainingMs());
  }

  /**
   * As `change`, for work that libvirt can take back: a cancel, or the end of the wait, runs `undo` until the child ends
   * by it. Killed instead, the child would leave it to chance whether the work goes on.
   */
  async changeUnlessUndone(args: readonly string[], undo: readonly string[]): Promise<string> {
    const before = this.#mayHaveChanged;
    const cancelled = (): boolean => this.signal.aborted;
    const remainingMs = this.remainingMs();
    const end = AbortSignal.any([this.signal, AbortSignal.timeout(remainingMs)]);
    if (cancelled()) throw new KvmError("CANCELLED", `virsh ${args[0] ?? ""} was not begun.`);
    const settled = new AbortController();
    const undoing = this.#undoAfter(end, undo, settled.signal);
    try {
      const never = new AbortController().signal;
      return await this.#change(args, never, remainingMs + undoWithinMs);
    } catch (error) {
      if (!end.aborted || !isTakenBack(error)) throw error;
      this.#mayHaveChanged = before;
      const why = cancelled() ? "was cancelled" : "took longer than the caller waits";
      throw new KvmError(
        cancelled() ? "CANCELLED" : "TIMED_OUT",
        `virsh ${args[0] ?? ""} ${why}; libvirt has taken it back, so nothing has changed.`,
        { cause: error },
      );
    } finally {
      settled.abort();
      await undoing;
    }
  }

  /** Waits for `end`, then runs `undo` again and again: it fails while the work is in a phase that can't be undone. */
  async #undoAfter(end: AbortSignal, undo: readonly string[], settled: AbortSignal): Promise<void> {
    await aborted(AbortSignal.any([end, settled]));
    while (!settled.aborted) {
      await this.#virsh
        .run(undo, { signal: settled, timeoutMs: this.#readTimeoutMs })
        .catch(() => undefined);
      await sleep(undoIntervalMs, undefined, { signal: settled }).catch(() => undefined);
    }
  }

  async #change(args: readonly string[], signal: AbortSignal, timeoutMs: number): Promise<string> {
    const before = this.#mayHaveChanged;
    const onStart = (): void => {
      this.#mayHaveChanged = true;
    };
    try {
      return await this.#virsh.run(args, { signal, timeoutMs, onStart });
    } catch (error) {
      if (error instanceof KvmError && neverArrived.has(error.code)) this.#mayHaveChanged = before;
      throw error;
    }
  }

  /** What is known of a Command that this error ended; undefined when libvirt itself refused it, which is `done`. */
  outcomeAfter(error: KvmError): "notSent" | "unknown" | undefined {
    if (!interrupted.has(error.code) && !neverArrived.has(error.code)) return undefined;
    return this.#mayHaveChanged ? "unknown" : "notSent";
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        "abort",
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
