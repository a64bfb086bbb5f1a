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
  /** Belongs to the world, not to the run of the workflow. */
  readonly outside: boolean;
}

/** More turns at one moment of virtual time have no end. */
const turnsMax = 10_000;

/** What a step adds to the history, in events; a workflow task is its three. */
const events = { task: 3, activity: 3, localActivity: 1, timer: 2, signalOut: 2, child: 3 };

/** One simulated namespace: its clock, its timers, what its activities answer, the children that were started. */
export class SimulatedTemporal {
  nowMs = 1_000_000;
  /** Events of the current run, about as many as the real one would have. */
  historyLength = 0;
  /** Takes signals to other workflows; without it there are none. */
  onSignal: ((workflowId: string, message: unknown) => void) | undefined;
  readonly children: string[] = [];
  readonly #answer: AnswerActivity;
  #timers: Timer[] = [];
  #timerNo = 0;
  /** Times that the workflow went on at this very moment. */
  #turns = 0;
  #uuidNo = 0;
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
      this.#turns = next.atMs > this.nowMs ? 0 : this.#turns;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.fire();
      await this.settle();
    }
    if (untilMs > this.nowMs) this.#turns = 0;
    this.nowMs = untilMs;
    await this.settle();
  }

  /** Lets everything happen that happens now. */
  async settle(): Promise<void> {
    for (;;) {
      await new Promise(setImmediate);
      const ready = this.#conditions.filter(({ holds }) => holds());
      if (ready.length === 0) return;
      if (++this.#turns > turnsMax) throw new Error("The workflow goes round in circles.");
      this.#conditions = this.#conditions.filter((one) => !ready.includes(one));
      this.historyLength += events.task;
      for (const { go } of ready) go();
    }
  }

  /** Forgets who waits: the run of the workflow is over. */
  endRun(): void {
    this.#conditions = [];
    this.#timers = this.#timers.filter(({ outside }) => outside);
    this.historyLength = 0;
  }

  /** Timers that the workflow, or an activity of it, waits for. */
  get timers(): number {
    return this.#timers.filter(({ outside }) => !outside).length;
  }

  /** Something happens in the world, whatever becomes of the run. */
  later(ms: number, happen: () => void): void {
    this.after(ms, happen, true);
  }

  after(ms: number, fire: () => void, outside = false): () => void {
    const timer = { atMs: this.nowMs + Math.max(0, ms), no: this.#timerNo++, fire, outside };
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
    this.historyLength += name === "recordAgent" ? events.localActivity : events.activity;
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
    this.historyLength += events.child;
  }

  /** The same in every life of the same seed. */
  uuid(): string {
    return `uuid-${++this.#uuidNo}`;
  }

  sleep(ms: number): Promise<unknown> {
    this.historyLength += events.timer;
    return Scope.current().guard((resolve) =>
      this.after(ms, () => {
        resolve(undefined);
      }),
    );
  }

  signal(workflowId: string, message: unknown): Promise<void> {
    this.historyLength += events.signalOut;
    if (this.onSignal === undefined) {
      return Promise.reject(new WorkflowNotFoundError("gone", workflowId, undefined));
    }
    this.onSignal(workflowId, message);
    return Promise.resolve();
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
  uuid4: () => temporal().uuid(),
  allHandlersFinished: () => true,
  workflowInfo: () => ({
    historyLength: temporal().historyLength,
    continueAsNewSuggested: false,
    typedSearchAttributes: { get: () => undefined },
  }),
  condition: (holds: () => boolean) => temporal().waitFor(holds),
  sleep: (ms: number) => temporal().sleep(ms),
  CancellationScope: Scope,
  isCancellation: (error: unknown) => error instanceof CancelledFailure,
  proxyActivities: activities,
  proxyLocalActivities: activities,
  startChild: (type: string, { workflowId }: { workflowId: string }) => {
    temporal().startChild(type, workflowId);
    return Promise.resolve({ workflowId });
  },
  getExternalWorkflowHandle: (workflowId: string) => ({
    signal: (_: string, message: unknown) => temporal().signal(workflowId, message),
  }),
};
