/** What callers get, by the types of their Commands. */
import type { ErrorAnswer, StoppedByPreviousFailureAnswer, UnsupportedAnswer } from "./answer.ts";
import type { AnswerOf, Command } from "./command.ts";

/**
 * The Answer to one Command: its own, or one that says why there is none. `result` says whether it succeeded: where it is true,
 * the Answer is the Command's own.
 */
export type Reply<C extends Command> = AnswerOf<C> | ErrorAnswer | UnsupportedAnswer;

/** The Answer to a Command of a batch. */
export type BatchReply<C extends Command> = Reply<C> | StoppedByPreviousFailureAnswer;

/** The Answers to a batch, in the order of its Commands. */
export type Replies<T extends readonly Command[]> = {
  readonly [K in keyof T]: BatchReply<T[K]>;
};
