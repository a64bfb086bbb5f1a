/**
 * Signals that must not be lost while this process lives: session ends, refusals, Answers, Requests that were not
 * written.
 * Each is tried at once; what Temporal did not take is kept and brought over in order, agent by agent.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { sizeOf } from "../lifecycle/size-of.ts";
import type { Log } from "../telemetry/log.ts";
import type { AgentSignal } from "./agent-port.ts";
import { LifecycleGoneError } from "./errors.ts";

/** Kept for one agent at most, of Answers and of all else: the many of the one must not push out the other. */
const keptMax = 512;
/** Answers of all agents that may be open at once: each agent has its own copy, and keeps it until it is acked. */
const answerBytesMax = 64 * 1024 * 1024;
const agentsAtOnce = 32;
const retryMs = { first: 200, most: 5_000 };

/** `gone`: Temporal has no lifecycle that would take it. `dropped`: too much is waiting, or the gateway stops. */
export type SignalFate = "sent" | "gone" | "dropped";

interface Kept {
  readonly agentId: string;
  readonly key: string;
  readonly signal: AgentSignal;
  readonly settle: (fate: SignalFate) => void;
}

export class SignalOutbox {
  readonly #send: (agentId: string, signal: AgentSignal) => Promise<void>;
  readonly #log: Log;
  readonly #kept = new Map<string, Kept[]>();
  /** By agent and key, under way or kept: the same thing said twice is brought over once. */
  readonly #open = new Map<string, Promise<SignalFate>>();
  readonly #stop = new AbortController();
  /** Of all Answers that are open. */
  #answerBytes = 0;
  #pumping = false;

  constructor(send: (agentId: string, signal: AgentSignal) => Promise<void>, log: Log) {
    this.#send = send;
    this.#log = log;
  }

  /** Signals that Temporal has not taken yet. */
  get size(): number {
    return this.#open.size;
  }

  /** Brings a signal over; never throws. */
  put(agentId: string, signal: AgentSignal): Promise<SignalFate> {
    const key = `${agentId}/${keyOf(signal)}`;
    const open = this.#open.get(key);
    if (open !== undefined) return open;
    const bytes = signal.name === "answer" ? sizeOf(signal.message.answers) : 0;
    if (this.#answerBytes + bytes > answerBytesMax) {
      this.#log.warn(
        { agentId, bytes: this.#answerBytes },
        "Answers wait for Temporal: one dropped",
      );
      return Promise.resolve("dropped");
    }
    this.#answerBytes += bytes;
    const fate = this.#bring(agentId, key, signal).finally(() => {
      this.#open.delete(key);
      this.#answerBytes -= bytes;
    });
    this.#open.set(key, fate);
    return fate;
  }

  /** Resolves when nothing is open any more, or after `withinMs`. */
  async drain(withinMs: number): Promise<void> {
    const timeout = new AbortController();
    await Promise.race([
      this.#settled(),
      sleep(withinMs, undefined, { signal: timeout.signal }).catch(() => undefined),
    ]);
    timeout.abort();
  }

  /** Gives up what is kept. */
  close(): void {
    this.#stop.abort();
    for (const queue of this.#kept.values()) for (const kept of queue) kept.settle("dropped");
    this.#kept.clear();
  }

  async #settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open.values());
  }

  async #bring(agentId: string, key: string, signal: AgentSignal): Promise<SignalFate> {
    if (this.#stop.signal.aborted) return "dropped";
    if (!this.#kept.has(agentId)) {
      const fate = await this.#try(agentId, signal);
      if (fate !== "retry") return fate;
    }
    return await this.#keep(agentId, key, signal);
  }

  #keep(agentId: string, key: string, signal: AgentSignal): Promise<SignalFate> {
    if (this.#stop.signal.aborted) return Promise.resolve("dropped");
    const queue = this.#kept.get(agentId) ?? [];
    const isAnswer = signal.name === "answer";
    const alike = queue.filter((kept) => (kept.signal.name === "answer") === isAnswer);
    if (alike.length >= keptMax) {
      this.#log.warn({ agentId, signal: signal.name }, "too many signals wait; one was dropped");
      return Promise.resolve("dropped");
    }
    this.#kept.set(agentId, queue);
    return new Promise((settle) => {
      queue.push({ agentId, key, signal, settle });
      void this.#pump();
    });
  }

  async #try(agentId: string, signal: AgentSignal): Promise<SignalFate | "retry"> {
    try {
      await this.#send(agentId, signal);
      return "sent";
    } catch (error) {
      if (error instanceof LifecycleGoneError) {
        this.#log.warn({ agentId, signal: signal.name, err: error }, "signal refused for good");
        return "gone";
      }
      this.#log.debug({ agentId, signal: signal.name, err: error }, "signal will be retried");
      return "retry";
    }
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    let waitMs = retryMs.first;
    while (this.#kept.size > 0) {
      await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      const heads = [...this.#kept.values()].slice(0, agentsAtOnce);
      const moved = await Promise.all(heads.map((queue) => this.#bringHead(queue)));
      waitMs = moved.includes(true)
        ? 0
        : Math.min(Math.max(waitMs, retryMs.first) * 2, retryMs.most);
    }
    this.#pumping = false;
  }

  async #bringHead(queue: Kept[]): Promise<boolean> {
    const head = queue[0];
    if (head === undefined) return false;
    const fate = await this.#try(head.agentId, head.signal);
    if (fate === "retry" || queue[0] !== head) return false;
    queue.shift();
    if (queue.length === 0) this.#kept.delete(head.agentId);
    head.settle(fate);
    return true;
  }
}

function keyOf(signal: AgentSignal): string {
  switch (signal.name) {
    case "answer":
      return `answer/${signal.message.seq}`;
    case "disconnect":
      return `disconnect/${signal.message.epoch}`;
    case "undelivered":
      return `undelivered/${signal.message.epoch}/${signal.message.seqs.join(",")}`;
    case "refused":
      return `refused/${signal.message.code}`;
  }
}
