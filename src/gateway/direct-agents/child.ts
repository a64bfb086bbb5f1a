/** One process of a direct agent: started, granted to act while it asks, ended. It is never in its gateway's way. */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Log } from "../../telemetry/log.ts";
import type {
  FromDirectAgent,
  StartDirectAgent,
  ToDirectAgent,
} from "../../wire/direct-messages.ts";
import { forwardLog } from "./child-log.ts";

/** It asks every half second; past this it hangs, and may not act anyway. */
const silentMsMax = 4_000;
/** From its start to its first asking: its code is loaded on a machine that may be busy. */
const startMsMax = 60_000;
const lookEveryMs = 500;

export interface ChildOptions {
  readonly log: Log;
  /** For how long it may act from now on; nothing is granted when that is 0. */
  readonly actsForMs: () => number;
  readonly onConnected: (epoch: number) => void;
}

export class DirectChild {
  readonly #child: ChildProcess;
  readonly #options: ChildOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAtMs = performance.now();
  #askedAtMs: number | undefined;
  #why: string | undefined;
  /** Resolves, never rejects, with why the process ended. */
  readonly ended: Promise<string>;

  constructor(order: StartDirectAgent, options: ChildOptions) {
    this.#options = options;
    const isSource = import.meta.url.endsWith(".ts");
    const module = new URL(`../../agent/direct/process.${isSource ? "ts" : "js"}`, import.meta.url);
    this.#child = fork(fileURLToPath(module), [], {
      execArgv: isSource ? ["--import", import.meta.resolve("tsx")] : [],
      env: foreignEnv(),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // A process group of its own: what its resource started ends with it, and Ctrl-C reaches the gateway alone.
      detached: true,
    });
    const { stdout, stderr } = this.#child;
    for (const stream of [stdout, stderr]) if (stream !== null) forwardLog(stream, options.log);
    this.#child.on("message", (message: FromDirectAgent) => {
      this.#onMessage(message);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        resolve(`its process could not be started: ${error.message}`);
      });
      this.#child.once("exit", (code, signal) => {
        // What its resource started may be left.
        this.#killGroup();
        resolve(this.#why ?? `its process ended with ${signal ?? `exit code ${String(code)}`}`);
      });
    });
    this.#timer = setInterval(() => {
      this.#look();
    }, lookEveryMs);
    void this.ended.then(() => {
      clearInterval(this.#timer);
    });
    this.#tell(order);
  }

  /** Has it say goodbye and end, and insists after a while. */
  async stop(graceMs: number): Promise<void> {
    this.#tell({ type: "stop" });
    const timer = setTimeout(() => {
      this.kill("it did not stop in time");
    }, graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends it, and all that its resource started. Works on one that is stopped or hangs, too. */
  kill(why: string): void {
    this.#why ??= why;
    this.#killGroup();
  }

  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Nothing of it is left.
    }
  }

  #look(): void {
    const nowMs = performance.now();
    if (this.#askedAtMs === undefined) {
      if (nowMs - this.#startedAtMs > startMsMax) this.kill("it did not start in time");
    } else if (nowMs - this.#askedAtMs > silentMsMax) {
      this.kill(`its process hung for ${silentMsMax / 1_000} s`);
    }
  }

  #onMessage(message: FromDirectAgent): void {
    switch (message.type) {
      case "ask": {
        this.#askedAtMs = performance.now();
        const forMs = this.#options.actsForMs();
        if (forMs > 0) this.#tell({ type: "granted", no: message.no, forMs });
        return;
      }
      case "connected":
        this.#options.onConnected(message.epoch);
        return;
      case "failed":
        this.#why ??= message.details;
        return;
    }
  }

  #tell(message: ToDirectAgent): void {
    if (!this.#child.connected) return;
    this.#child.send(message, (error) => {
      if (error !== null) this.#options.log.debug({ err: error }, "a direct agent is not told");
    });
  }
}

/** Nothing of what opens the manager itself. */
function foreignEnv(): NodeJS.ProcessEnv {
  const own = /^(MUSTER_|TEMPORAL_|DATABASE_URL$|PG|NODE_OPTIONS$|NODE_CHANNEL)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
