import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { VmInfo } from "../../api/index.ts";
import type { HostsElsewhere, Refusal } from "../../resources/index.ts";
import type { Log } from "../../telemetry/log.ts";
import { SimProcessError } from "../errors.ts";
import type { Power } from "../power-switch.ts";
import type { StepType } from "../rehearsal/plan.ts";
import type { TallyNews } from "../rehearsal/tally.ts";
import type { FleetSlice, HostPower, HostView } from "./fleet-slice.ts";
import { answerTo, Questions } from "./questions.ts";
import type {
  ElsewhereQuestion,
  FromSlice,
  SliceOrder,
  SliceQuestion,
  ToSlice,
} from "./slice-messages.ts";
import { hostId, hostsOf } from "./slices.ts";

/** A slice of a fleet, simulated by a child process. */
export class ChildSlice implements FleetSlice {
  readonly #child: ChildProcess;
  readonly #log: Log;
  readonly #elsewhere: HostsElsewhere;
  readonly #questions: Questions<SliceQuestion>;
  readonly #ended: Promise<SimProcessError | undefined>;
  #onOpen: () => void = () => undefined;
  #isStopping = false;
  /** What the process said of why it can't run. */
  #failure: string | undefined;

  /** Starts the process. @param elsewhere the whole fleet, for what it asks about hosts of other processes. */
  constructor(order: SliceOrder, elsewhere: HostsElsewhere, log: Log) {
    this.#log = log;
    this.#elsewhere = elsewhere;
    const isSource = import.meta.url.endsWith(".ts");
    const module = new URL(`./process.${isSource ? "ts" : "js"}`, import.meta.url);
    this.#child = fork(fileURLToPath(module), [], {
      execArgv: isSource ? ["--import", import.meta.resolve("tsx")] : process.execArgv,
      // Its log goes where this process's goes.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#questions = new Questions((message) => {
      this.#tell(message);
    });
    this.#child.on("message", (message: FromSlice) => {
      this.#onMessage(message);
    });
    this.#ended = new Promise((resolve) => {
      const onEnd = (how: string): void => {
        const error = this.#endedError(order, how);
        this.#questions.end(error);
        resolve(this.#isStopping && how === "exit code 0" ? undefined : error);
      };
      this.#child.once("error", (error) => {
        onEnd(error.message);
      });
      this.#child.once("exit", (code, signal) => {
        onEnd(signal ?? `exit code ${String(code)}`);
      });
    });
    this.#tell({ type: "start", order, logLevel: log.level });
  }

  async run(signal: AbortSignal, onOpen: () => void): Promise<void> {
    this.#onOpen = onOpen;
    const stop = (): void => {
      this.#isStopping = true;
      this.#tell({ type: "stop" });
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    const error = await this.#ended;
    signal.removeEventListener("abort", stop);
    if (error !== undefined) throw error;
  }

  strike(step: StepType, hosts: readonly number[]): void {
    this.#tell({ type: "strike", step, hosts });
  }

  async news(): Promise<TallyNews> {
    return (await this.#questions.ask({ type: "news" })) as TallyNews;
  }

  async powers(): Promise<readonly HostPower[]> {
    return (await this.#questions.ask({ type: "powers" })) as readonly HostPower[];
  }

  async look(host: number): Promise<HostView | undefined> {
    return (await this.#questions.ask({ type: "look", host })) as HostView | undefined;
  }

  async setPower(host: number, power: Power): Promise<HostView | undefined> {
    return (await this.#questions.ask({ type: "setPower", host, power })) as HostView | undefined;
  }

  async isThere(host: number): Promise<boolean> {
    return (await this.#questions.ask({ type: "isThere", host })) as boolean;
  }

  async receive(host: number, commandId: string, vm: VmInfo): Promise<Refusal | undefined> {
    const question = { type: "receive", host, commandId, vm } as const;
    return (await this.#questions.ask(question)) as Refusal | undefined;
  }

  #onMessage(message: FromSlice): void {
    switch (message.type) {
      case "open":
        this.#onOpen();
        return;
      case "failed":
        this.#failure = message.details;
        return;
      case "ask":
        void answerTo(message, (question) => this.#lookElsewhere(question)).then((answer) => {
          this.#tell(answer);
        });
        return;
      case "answer":
        this.#questions.onAnswer(message);
        return;
    }
  }

  #lookElsewhere(question: ElsewhereQuestion): Promise<unknown> {
    const { hostname } = question;
    return question.type === "isThere"
      ? this.#elsewhere.isThere(hostname)
      : this.#elsewhere.receive(hostname, question.commandId, question.vm);
  }

  #endedError({ options, slice }: SliceOrder, how: string): SimProcessError {
    const { agents, idPrefix = "sim" } = options;
    const hosts = hostsOf(slice, agents);
    const names = hosts.slice(0, 2).map((host) => hostId(idPrefix, host));
    const which = `${hosts.length} hosts (${[...names, ...(hosts.length > 2 ? ["…"] : [])].join(", ")})`;
    return new SimProcessError(this.#child.pid, which, this.#failure ?? how);
  }

  #tell(message: ToSlice): void {
    if (!this.#child.connected) return;
    this.#child.send(message, (error) => {
      if (error !== null) this.#log.debug({ err: error }, "a process of the fleet is not told");
    });
  }
}
