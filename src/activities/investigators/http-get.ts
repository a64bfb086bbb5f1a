/** One GET for Investigators: no redirects, no proxy, no cookies, a bounded body, and an end when the signal says so. */
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";

/** Answers that are of use are a few kilobytes. */
const bodyBytesMax = 256 * 1_024;

export interface GetOptions {
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** Takes any certificate. */
  readonly insecure?: boolean | undefined;
}

/** Why no answer came that is of use, as the end of a sentence that begins with the URL: `did not answer (…)`. */
export class NoAnswerError extends Error {
  readonly code = "NO_ANSWER";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NoAnswerError";
  }
}

/**
 * The JSON object that is at `url`. Only status 200 counts: a redirect leads elsewhere, and an error's body is about the error.
 * @throws NoAnswerError
 */
export async function getJsonObject(
  url: URL,
  options: GetOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await getText(url, options);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new NoAnswerError("answered with what is no JSON", { cause });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new NoAnswerError("answered with JSON that is no object");
  }
  return parsed as Readonly<Record<string, unknown>>;
}

function getText(url: URL, { signal, headers, ca, insecure }: GetOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => {
      reject(cause instanceof NoAnswerError ? cause : noAnswer(cause, signal));
    };
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const request = send(url, {
      agent: false,
      signal,
      headers: { accept: "application/json", ...headers },
      ...(ca !== undefined && { ca }),
      ...(insecure === true && { rejectUnauthorized: false }),
    });
    request.once("error", fail);
    request.once("response", (response) => {
      response.once("error", fail);
      readBody(response).then(resolve, (error: unknown) => {
        fail(error instanceof Error ? error : new Error(String(error)));
        request.destroy();
      });
    });
    request.end();
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const { statusCode } = response;
  if (statusCode !== 200) throw new NoAnswerError(`answered with HTTP ${statusCode ?? "?"}`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) {
      throw new NoAnswerError(`answered with more than ${bodyBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function noAnswer(cause: Error & { code?: unknown }, signal: AbortSignal): NoAnswerError {
  if (signal.aborted) return new NoAnswerError("did not answer in time", { cause });
  const code = typeof cause.code === "string" ? cause.code : cause.message;
  return new NoAnswerError(`did not answer (${code})`, { cause });
}
