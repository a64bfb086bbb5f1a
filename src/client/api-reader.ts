/** Reads the operator API over HTTP(S): what the command socket has no call for. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { rootCertificates } from "node:tls";
import { AgentManagerError } from "./errors.ts";

export interface ApiReaderOptions {
  /** Operator APIs, tried in turn. */
  readonly urls: readonly string[];
  readonly token: string;
  /** PEM of a certificate authority to trust beside the system's. */
  readonly ca?: string | Buffer | undefined;
}

/** A gateway that does not begin to answer within this time is passed over. */
const answerMs = 10_000;
/** For so long gateways that can't be reached are tried again. */
const patienceMs = 15_000;
const retryMs = 250;

export class ApiReader {
  readonly #options: ApiReaderOptions;
  readonly #plain = new HttpAgent({ keepAlive: true });
  readonly #secure: HttpsAgent;
  readonly #closing = new AbortController();
  #nextUrl = 0;

  constructor(options: ApiReaderOptions) {
    this.#options = options;
    const { ca } = options;
    this.#secure = new HttpsAgent({
      keepAlive: true,
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    });
  }

  /**
   * The JSON at a path behind `/api/v1/`, of the first gateway that gives it.
   * @throws AgentManagerError with the gateway's refusal, NOT_CONNECTED, ABORTED or CLOSED; nothing was sent to any agent.
   */
  async get(
    path: string,
    query: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const overAtMs = performance.now() + patienceMs;
    for (;;) {
      const { urls } = this.#options;
      const base = urls[this.#nextUrl % urls.length] ?? "";
      try {
        return await this.#read(`${base.replace(/\/+$/, "")}/api/v1/${path}`, query, signal);
      } catch (error) {
        if (signal?.aborted === true) {
          throw failure("ABORTED", "The signal was aborted.", signal.reason);
        }
        if (this.#closing.signal.aborted) throw failure("CLOSED", "The AgentManager was closed.");
        if (error instanceof AgentManagerError) throw error;
        if (performance.now() > overAtMs) {
          const why = error instanceof Error ? error.message : String(error);
          throw failure("NOT_CONNECTED", `No gateway could be reached (${why}).`, error);
        }
        this.#nextUrl++;
        if (this.#nextUrl % urls.length === 0) await sleep(retryMs);
      }
    }
  }

  close(): void {
    this.#closing.abort();
    this.#plain.destroy();
    this.#secure.destroy();
  }

  async #read(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const url = new URL(path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signals = [this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    const isSecure = url.protocol === "https:";
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (isSecure ? httpsRequest : httpRequest)(
        url,
        {
          agent: isSecure ? this.#secure : this.#plain,
          headers: { authorization: `Bearer ${this.#options.token}`, accept: "application/json" },
          timeout: answerMs,
          signal: AbortSignal.any(signals),
        },
        resolve,
      );
      request.once("timeout", () => {
        request.destroy(new Error(`no answer within ${answerMs / 1_000} s`));
      });
      request.once("error", reject);
      request.end();
    });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return bodyOf(response.statusCode ?? 0, Buffer.concat(chunks).toString("utf8"), url.origin);
  }
}

/** @throws AgentManagerError for a refusal; an Error, after which another gateway is tried, for a gateway that is not ready. */
function bodyOf(status: number, text: string, origin: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw failure(
      "UNREADABLE_REPLY",
      `${origin} answered ${status} with no JSON: it is not the operator API of a gateway.`,
      error,
    );
  }
  if (status === 200) return body;
  const { code, detail } = (body ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  const why = typeof detail === "string" ? detail : `It answered ${status}.`;
  if (status >= 500) throw new Error(`${origin}: ${why}`);
  throw failure(typeof code === "string" ? code : `HTTP_${status}`, why);
}

function failure(code: string, message: string, cause?: unknown): AgentManagerError {
  return new AgentManagerError(code, "notSent", message, { cause });
}
