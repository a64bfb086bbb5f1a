/** The types of what callers get, by the types of their Commands. */
import type {
  AnswerOf,
  Command,
  ErrorAnswer,
  StoppedByPreviousFailureAnswer,
  UnsupportedAnswer,
} from "../api/index.ts";

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

/** One Command of a batch and its Answer, as soon as it is there. */
export type BatchProgress<T extends readonly Command[]> = {
  readonly [K in keyof T]: {
    /** Place in the batch, from 0. */
    readonly index: number;
    readonly command: T[K];
    readonly answer: BatchReply<T[K]>;
  };
}[number];
