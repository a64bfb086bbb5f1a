import type { AnswerMessage, AskMessage } from "./slice-messages.ts";

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Questions that go over a channel of messages, and wait for their answers. */
export class Questions<Q> {
  readonly #send: (message: AskMessage<Q>) => void;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;
  #over: Error | undefined;

  constructor(send: (message: AskMessage<Q>) => void) {
    this.#send = send;
  }

  /** Waits as long as the other end lives. @throws when it is gone, or could not answer. */
  ask(question: Q): Promise<unknown> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    const no = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(no, { resolve, reject });
      this.#send({ type: "ask", no, question });
    });
  }

  onAnswer({ no, answer, failure }: AnswerMessage): void {
    const waiting = this.#waiting.get(no);
    this.#waiting.delete(no);
    if (failure === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(failure));
  }

  /** Nobody answers any more. */
  end(error: Error): void {
    this.#over ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** The answer to a question of the other end, as a message. */
export async function answerTo<Q>(
  { no, question }: AskMessage<Q>,
  find: (question: Q) => Promise<unknown>,
): Promise<AnswerMessage> {
  try {
    return { type: "answer", no, answer: await find(question) };
  } catch (error) {
    return { type: "answer", no, failure: error instanceof Error ? error.message : String(error) };
  }
}
