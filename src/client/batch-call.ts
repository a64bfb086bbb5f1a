import type { Answer, BatchReply, Command, Replies } from "../api/index.ts";
import { Arrivals } from "./arrivals.ts";
import type { EarlyAnswer } from "./call.ts";

/** One Command of a batch and its Answer, as soon as it is there. */
export type BatchProgress<T extends readonly Command[]> = {
  readonly [K in keyof T]: {
    /** Place in the batch, from 0. */
    readonly index: number;
    readonly command: T[K];
    readonly answer: BatchReply<T[K]>;
  };
}[number];

/**
 * A batch under way. Awaited, it gives all Answers in the order of the Commands. Iterated, it gives each Answer once, as
 * soon as it is there, also over lost connections; leaving the loop early cancels nothing.
 *
 * Answers come one by one when the iteration begins in the turn that made the call: `for await (… of muster.sendBatch(…))`.
 * Begun later, it gives them when all are there. One reader at a time.
 */
export class BatchCall<T extends readonly Command[]>
  implements Promise<Replies<T>>, AsyncIterable<BatchProgress<T>>
{
  readonly [Symbol.toStringTag] = "BatchCall";
  readonly #commands: T;
  readonly #replies: Promise<Replies<T>>;
  readonly #arrivals = new Arrivals<BatchProgress<T>>();
  readonly #arrived = new Set<number>();
  #isRead = false;

  /** `start` is called once, at the end of this turn; with a listener when there is a reader. */
  constructor(
    commands: T,
    start: (onEarly?: (early: EarlyAnswer) => void) => Promise<readonly Answer[]>,
  ) {
    this.#commands = commands;
    this.#replies = Promise.resolve()
      .then(() => start(this.#isRead ? this.#arrive : undefined))
      .then((answers) => answers as unknown as Replies<T>);
  }

  then<A = Replies<T>, B = never>(
    onFulfilled?: ((replies: Replies<T>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#replies.then(onFulfilled, onRejected);
  }

  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<Replies<T> | B> {
    return this.#replies.catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Replies<T>> {
    return this.#replies.finally(onFinally);
  }

  [Symbol.asyncIterator](): AsyncGenerator<BatchProgress<T>, void, undefined> {
    if (!this.#isRead) {
      this.#isRead = true;
      this.#replies.then(
        (answers) => {
          answers.forEach((answer, index) => {
            this.#arrive({ index, answer });
          });
          this.#arrivals.end();
        },
        (error: unknown) => {
          this.#arrivals.end(error);
        },
      );
    }
    return this.#arrivals[Symbol.asyncIterator]();
  }

  /** A call that is asked again hears of the same Answers again. */
  readonly #arrive = ({ index, answer }: EarlyAnswer): void => {
    const command = this.#commands[index];
    if (command === undefined || this.#arrived.has(index)) return;
    this.#arrived.add(index);
    const reply = answer as BatchReply<typeof command>;
    this.#arrivals.push({ index, command, answer: reply } as BatchProgress<T>);
  };
}
