/** Calls of the operator API over HTTP or HTTPS: JSON in, JSON out, problem details as errors. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { rootCertificates } from "node:tls";
import { ApiRefusedError, ApiUnreachableError } from "./errors.ts";
import { splitStream } from "./split-stream.ts";
import type { ApiTarget } from "./target.ts";

const connectLimitMs = 10_000;
const answerLimitMsDefault = 60_000;

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** How long to wait for the answer; null waits as long as the connection holds. Default 60 s. */
  readonly timeoutMs?: number | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export type Method = "GET" | "POST" | "DELETE" | "PATCH";

export class ApiClient {
  readonly #target: ApiTarget;

  constructor(target: ApiTarget) {
    this.#target = target;
  }

  /** The same credentials at another gateway's API; undefined when the token would leave TLS by it. */
  at(url: string): ApiClient | undefined {
    if (!URL.canParse(url)) return undefined;
    if (this.#target.url.startsWith("https:") && !url.startsWith("https:")) return undefined;
    return new ApiClient({ ...this.#target, url: url.replace(/\/+$/, "") });
  }

  /**
   * One call; `path` comes after `/api/v1/`, its parts already encoded.
   * @throws ApiRefusedError, ApiUnreachableError.
   */
  async call<T>(method: Method, path: string, options: CallOptions = {}): Promise<T> {
    const limit = timeLimit(options);
    try {
      const response = await this.#send(method, path, { ...options, ...limit });
      return this.#parse(await textOf(response), response.statusCode) as T;
    } catch (error) {
      throw this.#explain(error, limit);
    }
  }

  /**
   * An answer that is read while it comes; not bounded in time.
   * @throws ApiRefusedError, ApiUnreachableError.
   */
  async open(path: string, options: Omit<CallOptions, "timeoutMs">): Promise<IncomingMessage> {
    try {
      const response = await this.#send("GET", path, options);
      if (response.statusCode !== 200) this.#parse(await textOf(response), response.statusCode);
      return response;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /**
   * An answer that comes line by line, each a JSON value. A gateway of a release before gives all in one value.
   * @throws ApiRefusedError, ApiUnreachableError.
   */
  async *lines(method: Method, path: string, options: CallOptions): AsyncGenerator<unknown, void> {
    const limit = timeLimit(options);
    const headers = { ...options.headers, accept: "application/x-ndjson, application/json" };
    try {
      const response = await this.#send(method, path, { ...options, ...limit, headers });
      const { statusCode = 0 } = response;
      if (statusCode >= 300) this.#parse(await textOf(response), statusCode);
      for await (const line of splitStream(response, "\n")) {
        yield this.#parse(line, statusCode);
      }
    } catch (error) {
      throw this.#explain(error, limit);
    }
  }

  /** The refusal that problem details tell of, wherever they came from. */
  refusal(problem: Problem, status: number): ApiRefusedError {
    const { code, detail, title, apiUrl } = problem;
    const said = [detail, title].find((one) => typeof one === "string");
    return new ApiRefusedError({
      code: typeof code === "string" ? code : `HTTP_${status}`,
      status,
      message:
        code === "UNAUTHENTICATED"
          ? `The operator API at ${this.#target.url} does not take this token. Set MUSTER_API_TOKEN to the gateway's; for \`npm start\`, set MUSTER_HOME to its folder.`
          : (said ?? `it answered ${status}`),
      ...(typeof apiUrl === "string" && { apiUrl }),
    });
  }

  /** @throws ApiRefusedError for problem details, ApiUnreachableError for what Muster would not say. */
  #parse(text: string, status = 0): unknown {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      const message = `${this.#target.url} answered ${status} with something that is not JSON: it is not the operator API of Muster. Check MUSTER_API_URL.`;
      throw new ApiUnreachableError("API_NOT_MUSTER", message, { cause: error });
    }
    if (status >= 200 && status < 300) return value;
    throw this.refusal(value ?? {}, status);
  }

  #send(method: Method, path: string, options: CallOptions): Promise<IncomingMessage> {
    const { token, ca, url: base } = this.#target;
    const url = new URL(`${base}/api/v1/${path}`);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const settings = {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/json",
        ...(body !== undefined && {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
        }),
        ...options.headers,
      },
      ...(options.signal !== undefined && { signal: options.signal }),
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    };
    return new Promise((resolve, reject) => {
      const send = url.protocol === "https:" ? httpsRequest : httpRequest;
      const request = send(url, settings, resolve);
      const tooLong = setTimeout(() => {
        request.destroy(new Error(`no connection within ${connectLimitMs / 1_000} s`));
      }, connectLimitMs);
      request.once("error", reject);
      request.once("close", () => {
        clearTimeout(tooLong);
      });
      request.once("socket", (socket) => {
        const connected = () => {
          clearTimeout(tooLong);
          socket.setKeepAlive(true, connectLimitMs);
        };
        if (socket.connecting) socket.once("connect", connected);
        else connected();
      });
      request.end(body);
    });
  }

  #explain(error: unknown, limit?: TimeLimit): unknown {
    if (error instanceof ApiRefusedError || error instanceof ApiUnreachableError) return error;
    const { url } = this.#target;
    if (limit?.isOver() === true) {
      const message = `The operator API at ${url} did not answer within ${limit.seconds} s.`;
      return new ApiUnreachableError("API_TIMEOUT", message, { cause: error });
    }
    const why = whyOf(error);
    if (/^ECONNRESET|socket hang up|aborted/.test(why)) {
      const message = `The connection to the operator API at ${url} broke off (${why}).`;
      return new ApiUnreachableError("API_BROKEN_OFF", message, { cause: error });
    }
    const trust = /certificate|CERT|ALTNAME|SSL/i.test(why)
      ? "Set MUSTER_TLS_CA to the file of the certificate authority that it is signed by."
      : "Is Muster running? Start it with `npm start`, or set MUSTER_API_URL.";
    const message = `The operator API at ${url} can't be reached (${why}). ${trust}`;
    return new ApiUnreachableError("API_UNREACHABLE", message, { cause: error });
  }
}

/** The part of a path for an id of any characters. */
export function pathPart(id: string): string {
  return encodeURIComponent(id);
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** Problem details (RFC 9457), as far as Muster uses them. */
export interface Problem {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly title?: unknown;
  readonly apiUrl?: unknown;
}

/** The bound of one call, beside whatever the caller aborts it by. */
interface TimeLimit {
  readonly signal: AbortSignal;
  readonly seconds: number;
  readonly isOver: () => boolean;
}

function timeLimit({ timeoutMs = answerLimitMsDefault, signal }: CallOptions): TimeLimit {
  const limit = timeoutMs === null ? undefined : AbortSignal.timeout(timeoutMs);
  return {
    signal: AbortSignal.any([limit, signal].filter((one) => one !== undefined)),
    seconds: Number(timeoutMs) / 1_000,
    isOver: () => limit?.aborted === true,
  };
}

function whyOf(error: unknown): string {
  // A name with several addresses fails with all their errors in one.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error)) return String(first);
  const { code } = first as NodeJS.ErrnoException;
  return code === undefined
    ? first.message
    : `${code}: ${first.message}`.replace(`${code}: ${code}`, code);
}
