/**
 * Temporal's workflow API on virtual time, so that thousands of whole lives run in seconds. Only what the lifecycle uses; the
 * real thing is what `test/integration/workflows` runs on.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  CancelledFailure,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from "@temporalio/common";

/** Answers an activity: a value or an error, after so many virtual milliseconds. */
export interface ActivityAnswer {
  readonly afterMs: number;
  readonly value?: unknown;
  readonly error?: Error;
}
export type AnswerActivity = (name: string, args: unknown) => ActivityAnswer;

interface Timer {
  readonly atMs: number;
  readonly no: number;
  readonly fire: () => void;
}

/** One simulated namespace: its clock, its timers, what its activities answer, the children that were started. */
export class SimulatedTemporal {
  nowMs = 1_000_000;
  readonly children: string[] = [];
  readonly #answer: AnswerActivity;
  #timers: Timer[] = [];
  #timerNo = 0;
  #conditions: { readonly holds: () => boolean; readonly go: () => void }[] = [];

  constructor(answer: AnswerActivity) {
    this.#answer = answer;
  }

  /** Lets virtual time pass, firing what is due on the way in order. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await this.settle();
    for (;;) {
      const next = this.#timers[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.fire();
      await this.settle();
    }
    this.nowMs = untilMs;
    await this.settle();
  }

  /** Lets everything happen that happens now. */
  async settle(): Promise<void> {
    for (;;) {
      await new Promise(setImmediate);
      const ready = this.#conditions.filter(({ holds }) => holds());
      if (ready.length === 0) return;
      this.#conditions = this.#conditions.filter((one) => !ready.includes(one));
      for (const { go } of ready) go();
    }
  }

  /** Forgets who waits: the run of the workflow is over. */
  endRun(): void {
    this.#conditions = [];
    this.#timers = [];
  }

  after(ms: number, fire: () => void): () => void {
    const timer = { atMs: this.nowMs + Math.max(0, ms), no: this.#timerNo++, fire };
    this.#timers.push(timer);
    this.#timers.sort((a, b) => a.atMs - b.atMs || a.no - b.no);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  waitFor(holds: () => boolean): Promise<void> {
    return new Promise((go) => {
      if (holds()) go();
      else this.#conditions.push({ holds, go });
    });
  }

  /** Ends with the answer, or with the cancellation of its scope, whichever is first. */
  activity(name: string, args: unknown): Promise<unknown> {
    const scope = Scope.current();
    const { afterMs, value, error } = this.#answer(name, args);
    return scope.guard((resolve, reject) =>
      this.after(afterMs, () => {
        if (error === undefined) resolve(value);
        else reject(error);
      }),
    );
  }

  startChild(type: string, workflowId: string): void {
    if (this.children.includes(workflowId)) {
      throw new WorkflowExecutionAlreadyStartedError("exists", workflowId, type);
    }
    this.children.push(workflowId);
  }
}

const scopes = new AsyncLocalStorage<Scope>();

/** A cancellation scope: what waits inside ends when it is cancelled. */
class Scope {
  consideredCancelled = false;
  readonly #onCancel = new Set<() => void>();

  static current(): Scope {
    return scopes.getStore() ?? root;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return scopes.run(this, work);
  }

  cancel(): void {
    this.consideredCancelled = true;
    for (const cancel of this.#onCancel) cancel();
  }

  guard(
    begin: (resolve: (value: unknown) => void, reject: (error: Error) => void) => () => void,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#onCancel.delete(cancel);
      };
      const stop = begin(
        (value) => {
          end();
          resolve(value);
        },
        (error) => {
          end();
          reject(error);
        },
      );
      const cancel = (): void => {
        end();
        stop();
        reject(new CancelledFailure("cancelled"));
      };
      this.#onCancel.add(cancel);
    });
  }
}
const root = new Scope();

let current: SimulatedTemporal | undefined;
/** The namespace that workflow code runs on from now on. */
export function runOn(temporal: SimulatedTemporal): void {
  current = temporal;
}
/** What `Date.now` gives in workflow code. */
export function simulatedNowMs(): number {
  return temporal().nowMs;
}
function temporal(): SimulatedTemporal {
  if (current === undefined) throw new Error("No simulated Temporal: call runOn first.");
  return current;
}

const silent = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
function nothing(): void {
  // Logs and metadata of a simulated life are of no interest.
}
const activities = () =>
  new Proxy({}, { get: (_, name) => (args: unknown) => temporal().activity(String(name), args) });

/** Stands in for `@temporalio/workflow`: give it to `vi.mock`. */
export const simulatedWorkflowModule = {
  log: silent,
  setCurrentDetails: nothing,
  upsertSearchAttributes: nothing,
  patched: () => true,
  allHandlersFinished: () => true,
  workflowInfo: () => ({
    historyLength: 0,
    continueAsNewSuggested: false,
    typedSearchAttributes: { get: () => undefined },
  }),
  condition: (holds: () => boolean) => temporal().waitFor(holds),
  sleep: (ms: number) =>
    Scope.current().guard((resolve) =>
      temporal().after(ms, () => {
        resolve(undefined);
      }),
    ),
  CancellationScope: Scope,
  isCancellation: (error: unknown) => error instanceof CancelledFailure,
  proxyActivities: activities,
  proxyLocalActivities: activities,
  startChild: (type: string, { workflowId }: { workflowId: string }) => {
    temporal().startChild(type, workflowId);
    return Promise.resolve({ workflowId });
  },
  getExternalWorkflowHandle: (workflowId: string) => ({
    signal: () => Promise.reject(new WorkflowNotFoundError("gone", workflowId, undefined)),
  }),
};
