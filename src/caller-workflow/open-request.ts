/** One Request of a workflow, from its admission to its Answers. */
import {
  ActivityFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  log,
  TimeoutFailure,
} from "@temporalio/workflow";
import type { Answer } from "../api/index.ts";
import type { CancelResult, RequestView } from "../workflows/agent-messages.ts";
import { admitting, cancelling, inquiring } from "./activity-options.ts";
import type { AdmitArgs, Admitted, RequestArgs } from "./activity-types.ts";
import { CommandFailure, refusalOf } from "./failures.ts";
import type { WaitingRoom } from "./waiting-room.ts";

/** How much longer than the Command's wait the signal may take, before the lifecycle is asked. */
const signalGraceMs = 5_000;
/** How long the Answers to a cancelled Request are waited for. */
const cancelGraceMs = 10_000;

export class OpenRequest {
  readonly #request: RequestArgs;
  readonly #room: WaitingRoom;
  readonly #taskQueue: string | undefined;
  /** Why the call is to end: its scope was cancelled, or its admission took too long. */
  #stopped: Error | undefined;

  constructor(
    { agentId, requestId }: RequestArgs,
    parts: { readonly room: WaitingRoom; readonly taskQueue: string | undefined },
  ) {
    this.#request = { agentId, requestId };
    this.#room = parts.room;
    this.#taskQueue = parts.taskQueue;
  }

  /** Has it admitted, and waits for its Answers. When the scope around is cancelled, it is cancelled at the agent. */
  async carryOut(args: AdmitArgs, withinSeconds: number | undefined): Promise<readonly Answer[]> {
    return await this.#shielded(async () => {
      const admitted = await this.#admit(args, withinSeconds);
      if (admitted?.state === "settled") return admitted.answers;
      const answers = admitted && (await this.#outwait(admitted.waitMs));
      return answers ?? (await this.#end());
    });
  }

  /** Has it admitted, and gives for how long its Answers are waited for. They are kept in the waiting room. */
  async admit(args: AdmitArgs, withinSeconds: number | undefined): Promise<number> {
    return await this.#shielded(async () => {
      const admitted = await this.#admit(args, withinSeconds);
      if (admitted === undefined) {
        await this.#end();
        throw this.#whyStopped();
      }
      if (admitted.state === "pending") return admitted.waitMs;
      this.#room.put(this.#request.requestId, admitted.answers);
      return 0;
    });
  }

  /** Waits for the Answers to a Request that was admitted, maybe by an earlier run. Cancelled, only the waiting ends. */
  async wait(waitMs: number): Promise<readonly Answer[]> {
    const { requestId } = this.#request;
    try {
      if (this.#room.isIn(requestId)) return await this.#hear(waitMs);
      // From now on they can't be missed; before, they may have been.
      this.#room.enter(requestId);
      const { answers, waitLeftMs = 0 } = await this.#find();
      return answers ?? (await this.#hear(waitLeftMs));
    } finally {
      this.#room.leave(requestId);
    }
  }

  async cancel(reason: string): Promise<CancelResult> {
    return await cancelling(this.#taskQueue).musterCancel({ ...this.#request, reason });
  }

  get #answers(): readonly Answer[] | undefined {
    return this.#room.answersTo(this.#request.requestId);
  }

  /** Runs what must not be cut off in the middle, and notes when the scope around is cancelled. */
  async #shielded<T>(run: () => Promise<T>): Promise<T> {
    const scope = CancellationScope.current();
    if (scope.consideredCancelled) await scope.cancelRequested;
    scope.cancelRequested.catch((error: unknown) => {
      if (scope.consideredCancelled) this.#stopped ??= error as Error;
    });
    this.#room.enter(this.#request.requestId);
    return await CancellationScope.nonCancellable(run);
  }

  /**
   * Undefined when the call is to end and it is not known to be admitted.
   * @throws CommandFailure for a refusal.
   */
  async #admit(args: AdmitArgs, withinSeconds: number | undefined): Promise<Admitted | undefined> {
    const types = args.commands.map(({ type }) => type).join(", ");
    const { musterAdmit } = admitting(this.#taskQueue, withinSeconds, `${types}: ${args.agentId}`);
    const scope = new CancellationScope();
    const ended = scope.run(() => musterAdmit(args));
    try {
      const admitted = await unlessBefore(() => this.#hasNews, ended);
      if (admitted !== undefined) return admitted;
      scope.cancel();
      const answers = this.#answers;
      return answers === undefined ? await ended : { state: "settled", answers };
    } catch (error) {
      if (isCancellation(error)) return undefined;
      if (!(error instanceof ActivityFailure)) throw error;
      if (!(error.cause instanceof TimeoutFailure)) throw refusalOf(error, this.#request);
      const message = `The Request was not admitted within ${withinSeconds ?? "?"} s: Muster is away.`;
      const failure = new CommandFailure("NOT_ADMITTED", "unknown", message, this.#request, error);
      this.#stopped ??= failure;
      return undefined;
    }
  }

  /** Waits for the Answers, past lost signals; undefined when the call is to end first. */
  async #outwait(waitMs: number): Promise<readonly Answer[] | undefined> {
    for (let leftMs = waitMs; ;) {
      await condition(() => this.#hasNews, leftMs + signalGraceMs);
      if (this.#answers !== undefined) return this.#answers;
      if (this.#stopped !== undefined) return undefined;
      const found = await unlessBefore(() => this.#hasNews, this.#find());
      if (found?.answers !== undefined) return found.answers;
      leftMs = found?.waitLeftMs ?? 0;
    }
  }

  /** As `#outwait`, of a call that nothing ends but its own scope. */
  async #hear(waitMs: number): Promise<readonly Answer[]> {
    const answers = await this.#outwait(waitMs);
    if (answers === undefined) throw this.#whyStopped();
    return answers;
  }

  /**
   * Ends the call: cancels the Request, and gives its Answers if they come.
   * @throws why the call is to end.
   */
  async #end(): Promise<readonly Answer[]> {
    const stopped = this.#whyStopped();
    try {
      const result = await this.cancel(`the calling workflow ended its wait: ${stopped.message}`);
      if (result === "unknown") throw stopped;
      await condition(() => this.#answers !== undefined, cancelGraceMs);
      if (this.#answers !== undefined) return this.#answers;
      const view = await cancelling(this.#taskQueue).musterFindRequest(this.#request);
      if (view?.answers !== undefined) return view.answers;
    } catch (error) {
      if (error !== stopped) log.warn("a Request could not be cancelled", { error });
    }
    throw stopped;
  }

  get #hasNews(): boolean {
    return this.#answers !== undefined || this.#stopped !== undefined;
  }

  #whyStopped(): Error {
    return this.#stopped ?? new CancelledFailure("The call was cancelled.");
  }

  /** @throws CommandFailure REQUEST_UNKNOWN when it is forgotten. */
  async #find(): Promise<RequestView> {
    const view = await inquiring(this.#taskQueue).musterFindRequest(this.#request);
    if (view !== null) return view;
    const { agentId, requestId } = this.#request;
    const message = `Agent ${agentId} does not know request ${requestId}: it was settled so long ago that it is forgotten.`;
    throw new CommandFailure("REQUEST_UNKNOWN", "unknown", message, this.#request);
  }
}

/** What comes first: the promise's value, or undefined when `isEnough` is true. */
async function unlessBefore<T>(
  isEnough: () => boolean,
  promise: Promise<T>,
): Promise<T | undefined> {
  return await CancellationScope.cancellable(async () => {
    try {
      return await Promise.race([promise, condition(isEnough).then(() => undefined)]);
    } finally {
      // Takes the condition away that did not come first.
      CancellationScope.current().cancel();
    }
  });
}
