import type { Answer } from "../api/index.ts";
import { ProgressMarks } from "./progress-marks.ts";

interface WaiterParts {
  readonly agentId: string;
  readonly requestId: string;
  /** Of the Request, as far as the caller knows them. */
  readonly commands: readonly { readonly id: string }[];
  /** When the caller's wait is over, by the process's monotonic clock. */
  readonly waitOverMs: number;
  readonly settle: (answers: readonly Answer[]) => void;
  /** Tells the caller that what became of the Request is not known here. */
  readonly giveUp: (why: string) => void;
  readonly onProgress: ((index: number, answer: Answer) => void) | undefined;
}

/** A caller that waits for the Answers of a durable Request. The first of `settle` and `giveUp` counts. */
export class Waiter {
  readonly agentId: string;
  readonly requestId: string;
  readonly commands: readonly { readonly id: string }[];
  waitOverMs: number;
  /**
   * Until then, an Answer that Temporal has taken is the one that counts. Who asks again waits for a Request whose wait
   * began with the first asking: 0 until the lifecycle has said when it is over.
   */
  finalUntilMs = 0;
  readonly settle: (answers: readonly Answer[]) => void;
  readonly giveUp: (why: string) => void;
  readonly #onProgress: ((index: number, answer: Answer) => void) | undefined;
  readonly #marks: ProgressMarks | undefined;

  constructor(parts: WaiterParts) {
    this.agentId = parts.agentId;
    this.requestId = parts.requestId;
    this.commands = parts.commands;
    this.waitOverMs = parts.waitOverMs;
    this.settle = parts.settle;
    this.giveUp = parts.giveUp;
    this.#onProgress = parts.onProgress;
    this.#marks = parts.onProgress === undefined ? undefined : new ProgressMarks();
  }

  get wantsProgress(): boolean {
    return this.#onProgress !== undefined;
  }

  onProgress(index: number, answer: Answer): void {
    if (this.#marks?.isNews(this.commands, index, answer) === true) {
      this.#onProgress?.(index, answer);
    }
  }
}

/** All callers that wait at this gateway; several may wait for one Request, when a caller asks again. */
export class DurableWaiters {
  readonly #byRequest = new Map<string, Set<Waiter>>();
  /** By their first Command. Its id is used once, so those who have it wait for one Request. */
  readonly #byCommand = new Map<string, Set<Waiter>>();

  get size(): number {
    return this.#byRequest.size;
  }

  add(waiter: Waiter): void {
    put(this.#byRequest, waiter.requestId, waiter);
    put(this.#byCommand, firstCommand(waiter), waiter);
  }

  remove(waiter: Waiter): void {
    take(this.#byRequest, waiter.requestId, waiter);
    take(this.#byCommand, firstCommand(waiter), waiter);
  }

  all(): readonly Waiter[] {
    return [...this.#byRequest.values()].flatMap((waiters) => [...waiters]);
  }

  ofRequest(requestId: string): readonly Waiter[] {
    return [...(this.#byRequest.get(requestId) ?? [])];
  }

  /** Those of an agent whose Request begins with this Command. */
  ofCommand(agentId: string, commandId: string): readonly Waiter[] {
    return [...(this.#byCommand.get(commandId) ?? [])].filter(
      (waiter) => waiter.agentId === agentId,
    );
  }
}

function firstCommand({ commands }: Waiter): string {
  return commands[0]?.id ?? "";
}

function put(map: Map<string, Set<Waiter>>, key: string, waiter: Waiter): void {
  const waiters = map.get(key);
  if (waiters === undefined) map.set(key, new Set([waiter]));
  else waiters.add(waiter);
}

function take(map: Map<string, Set<Waiter>>, key: string, waiter: Waiter): void {
  const waiters = map.get(key);
  waiters?.delete(waiter);
  if (waiters?.size === 0) map.delete(key);
}
