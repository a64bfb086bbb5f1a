/** A process of our own (`muster gateway`, `muster worker`, …), started and waited for until it says that it is ready. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startChild, type Child, type PidNote } from "./child-process.ts";
import { LocalStackError } from "./errors.ts";

export interface MusterProcessOptions {
  /** Verb and options; `--json` is added. */
  readonly args: readonly string[];
  /** Laid over this process's own environment; undefined takes a variable away. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  readonly note: PidNote;
  readonly signal: AbortSignal;
  readonly stopGraceMs?: number;
  /** For one that may go on getting ready: it counts as started after so long, with an empty ready line. */
  readonly readyWithinMs?: number;
}

export type ReadyLine = Readonly<Record<string, unknown>>;

export interface MusterProcess extends Child {
  /** Its ready line. */
  readonly ready: ReadyLine;
}

/** @throws LocalStackError PROCESS_DIED with the log's last lines, NOT_READY, ABORTED, NOT_BUILT. */
export async function startMusterProcess(options: MusterProcessOptions): Promise<MusterProcess> {
  let sayReady: (line: ReadyLine) => void = () => undefined;
  const ready = new Promise<ReadyLine>((resolve) => {
    sayReady = resolve;
  });
  const [command, ...before] = cliCommand();
  const child = await startChild({
    command,
    args: [...before, ...options.args, "--json"],
    env: { ...process.env, ...options.env },
    logFile: options.logFile,
    stopGraceMs: options.stopGraceMs ?? 10_000,
    note: options.note,
    onLine: (line) => {
      if (line.startsWith('{"ready":true')) {
        sayReady(JSON.parse(line) as ReadyLine);
      }
    },
  });
  try {
    return { ...child, ready: await untilReady(child, ready, options) };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

async function untilReady(
  child: Child,
  ready: Promise<ReadyLine>,
  options: MusterProcessOptions,
): Promise<ReadyLine> {
  const name = `muster ${options.args.join(" ")}`;
  const settled = new AbortController();
  const timeout = AbortSignal.timeout(options.readyWithinMs ?? 60_000);
  const stopped = AbortSignal.any([options.signal, timeout]);
  try {
    return await Promise.race([
      ready,
      child.ended.then(async (how) => {
        throw new LocalStackError(
          "PROCESS_DIED",
          `${name} ended with ${how} while starting. The end of ${options.logFile}:\n${await child.logTail()}`,
        );
      }),
      new Promise<ReadyLine>((resolve, reject) => {
        const give = () => {
          if (options.signal.aborted) {
            reject(new LocalStackError("ABORTED", `Stopped while ${name} was starting.`));
          } else if (options.readyWithinMs !== undefined) {
            resolve({});
          } else {
            const problem = `${name} did not become ready. See ${options.logFile}.`;
            reject(new LocalStackError("NOT_READY", problem));
          }
        };
        if (stopped.aborted) give();
        else stopped.addEventListener("abort", give, { once: true, signal: settled.signal });
      }),
    ]);
  } finally {
    settled.abort();
  }
}

function cliCommand(): readonly [string, ...string[]] {
  const isSource = import.meta.url.endsWith(".ts");
  const main = fileURLToPath(
    new URL(isSource ? "../cli/main.ts" : "../cli/main.js", import.meta.url),
  );
  if (!existsSync(main)) {
    throw new LocalStackError("NOT_BUILT", `${main} is not there: run \`npm run build\`.`);
  }
  return [process.execPath, ...(isSource ? ["--import", "tsx"] : []), main];
}
