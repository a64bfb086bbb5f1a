import { log } from "@temporalio/workflow";
import type { Answer } from "../api/index.ts";

/** What a workflow waits for: its open Requests, each with its Answers as soon as they are here. */
export class WaitingRoom {
  readonly #requests = new Map<string, { answers?: readonly Answer[] }>();

  /** Answers are kept from now on, also those that come before anybody waits for them. */
  enter(requestId: string): void {
    if (!this.isIn(requestId)) this.#requests.set(requestId, {});
  }

  isIn(requestId: string): boolean {
    return this.#requests.has(requestId);
  }

  answersTo(requestId: string): readonly Answer[] | undefined {
    return this.#requests.get(requestId)?.answers;
  }

  leave(requestId: string): void {
    this.#requests.delete(requestId);
  }

  put(requestId: string, answers: readonly Answer[]): void {
    const request = this.#requests.get(requestId);
    if (request !== undefined) request.answers = answers;
    else log.info("Answers came that nobody waits for", { requestId });
  }

  /**
   * A signal, as it came. Answers that nobody waits for change nothing: a workflow of the same id may have sent the Request
   * before, or they came twice.
   */
  onSignal(message: unknown): void {
    const { requestId, answers } = (message ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof requestId === "string" && Array.isArray(answers)) {
      this.put(requestId, answers as readonly Answer[]);
    } else {
      log.warn("a signal for Answers carries none", { message });
    }
  }
}
