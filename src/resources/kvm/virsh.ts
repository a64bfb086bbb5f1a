import { execa, type ExecaError } from "execa";
import { KvmError } from "./errors.ts";
import { Limiter } from "./limiter.ts";
import { virshFailure } from "./virsh-failure.ts";

/** How one virsh child is run. */
export interface VirshRun {
  readonly signal: AbortSignal;
  /** Limit in milliseconds, the time in the queue included. */
  readonly timeoutMs: number;
  /** Called when the child is about to start, so that the caller knows whether anything can have happened. */
  readonly onStart?: () => void;
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
