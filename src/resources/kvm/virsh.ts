import { execa, type ExecaError } from "execa";
import { KvmError, type KvmErrorCode } from "./errors.ts";
import { Limiter } from "./limiter.ts";
import { virshFailure } from "./virsh-failure.ts";

/** How one virsh child is run. */
export interface VirshRun {
  readonly signal: AbortSignal;
  /** Limit in milliseconds, the time in the queue included. */
  readonly timeoutMs: number;
  /** Called when the child is about to start, so that the caller knows whether anything can have happened. */
  readonly onStart?: () => void;
  /** Signal that ends the child early; SIGINT lets `virsh migrate` take its migration back. */
  readonly killSignal?: "SIGTERM" | "SIGINT";
}

/** Runs virsh and gives what it wrote to stdout. The narrow port that tests replace. */
export interface Virsh {
  /** @throws KvmError TIMED_OUT, CANCELLED, VIRSH_MISSING, LIBVIRT_BUSY or what virsh said. */
  run(args: readonly string[], how: VirshRun): Promise<string>;
}

/** An ended child must not outlive this: SIGKILL follows. */
const killGraceMs = 5_000;
/** The definition of a VM is a few kilobytes; thousands of VMs in a list are less than this. */
const outputBytesMax = 32 * 1024 * 1024;

/**
 * virsh as a child process: no shell, locale C, no stdin, at most `childrenMax` at once.
 * libvirt itself keeps all state, so each call is a process of its own.
 */
export function createVirsh(settings: {
  readonly program: string;
  readonly uri: string;
  readonly childrenMax: number;
}): Virsh {
  const limiter = new Limiter(settings.childrenMax);
  return {
    async run(args, how) {
      const deadline = AbortSignal.timeout(how.timeoutMs);
      const cancelSignal = AbortSignal.any([how.signal, deadline]);
      const command = args[0] ?? "";
      let started = false;
      try {
        return await limiter.run(cancelSignal, async () => {
          started = true;
          how.onStart?.();
          const result = await execa(
            settings.program,
            [`--connect=${settings.uri}`, "--quiet", ...args],
            {
              shell: false,
              stdin: "ignore",
              env: { LC_ALL: "C", LANGUAGE: "C" },
              cancelSignal,
              killSignal: how.killSignal ?? "SIGTERM",
              forceKillAfterDelay: killGraceMs,
              maxBuffer: outputBytesMax,
            },
          );
          return result.stdout;
        });
      } catch (error) {
        if (how.signal.aborted) {
          throw new KvmError("CANCELLED", `virsh ${command} was cancelled.`, { cause: error });
        }
        if (deadline.aborted) throw timedOut(command, how.timeoutMs, started, error);
        throw childFailure(settings.program, command, error as ExecaError);
      }
    },
  };
}

function timedOut(command: string, timeoutMs: number, started: boolean, cause: unknown): KvmError {
  return started
    ? new KvmError(
        "TIMED_OUT",
        `virsh ${command} gave no answer within ${timeoutMs} ms. libvirtd or the VM's QEMU hangs; look at the host.`,
        { cause },
      )
    : new KvmError(
        "LIBVIRT_BUSY",
        `virsh ${command} found no free place within ${timeoutMs} ms: too much is asked of this host at once, or libvirtd hangs.`,
        { cause },
      );
}

function childFailure(program: string, command: string, error: ExecaError): KvmError {
  if (error.code === "ENOENT" || error.code === "EACCES") {
    return new KvmError(
      "VIRSH_MISSING",
      `The program "${program}" can't be run (${error.code}). Install libvirt-clients or set "virsh" in the resource's settings.`,
      { cause: error },
    );
  }
  // `virsh event` says on stdout that its time is over.
  const said = [error.stderr, error.stdout].find((text) => typeof text === "string" && text !== "");
  const failure = virshFailure(command, typeof said === "string" ? said : "");
  failure.cause = error;
  return failure;
}

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
  async change(
    args: readonly string[],
    options: Pick<VirshRun, "killSignal"> = {},
  ): Promise<string> {
    const before = this.#mayHaveChanged;
    try {
      return await this.#virsh.run(args, {
        ...options,
        signal: this.signal,
        timeoutMs: this.remainingMs(),
        onStart: () => (this.#mayHaveChanged = true),
      });
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
