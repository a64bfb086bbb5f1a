/** Answers to a batch as they come: one JSON object a line. */
import type { ServerResponse } from "node:http";
import type { Answer } from "../../api/index.ts";
import type { Admission, CallerRequest } from "../command-lanes.ts";
import { problemOfError } from "./problem-of-error.ts";

export const linesMediaType = "application/x-ndjson";

/** Whether a caller asks for lines. */
export function wantsLines(accept: string | undefined): boolean {
  return (accept ?? "")
    .split(",")
    .some((type) => type.split(";")[0]?.trim().toLowerCase() === linesMediaType);
}

/**
 * Sends a Request and writes what is known of it, line by line. Nothing is written before the Request is admitted: a
 * refusal until then is the promise's own.
 * @param begin takes the response over from the framework; called before the first line.
 */
export async function streamAnswers(
  request: CallerRequest,
  send: (request: CallerRequest) => Promise<readonly Answer[]>,
  begin: () => ServerResponse,
): Promise<void> {
  const { requestId } = request;
  const lines = new Lines(begin);
  try {
    const answers = await send({
      ...request,
      onAdmitted: ({ seq, waitMs }: Admission) => {
        lines.write({ type: "admitted", requestId, seq, waitMs });
      },
      onProgress: (index, answer) => {
        lines.writeNews({ type: "answer", index, answer });
      },
    });
    lines.end({ type: "end", requestId, answers });
  } catch (error) {
    if (!lines.begun) throw error;
    lines.end({ type: "problem", problem: problemOfError(error) });
  }
}

class Lines {
  readonly #begin: () => ServerResponse;
  #response: ServerResponse | undefined;

  constructor(begin: () => ServerResponse) {
    this.#begin = begin;
  }

  get begun(): boolean {
    return this.#response !== undefined;
  }

  write(line: object): void {
    this.#open().write(`${JSON.stringify(line)}\n`);
  }

  /** What a reader that is behind does not need: the last line says it again. */
  writeNews(line: object): void {
    if (!this.#open().writableNeedDrain) this.write(line);
  }

  end(line: object): void {
    this.#open().end(`${JSON.stringify(line)}\n`);
  }

  #open(): ServerResponse {
    if (this.#response !== undefined) return this.#response;
    const response = this.#begin();
    response.writeHead(200, {
      "content-type": linesMediaType,
      "cache-control": "no-store",
      // nginx would hold lines back.
      "x-accel-buffering": "no",
    });
    this.#response = response;
    return response;
  }
}
