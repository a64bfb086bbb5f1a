/**
 * Brings Requests to the lifecycles of their agents: notes the id, asks until the Request is admitted or refused, and writes
 * it to the agent's socket when that is this gateway's to do.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { payloadLimits, type WireCommand } from "../api/index.ts";
import type { NotedRequest } from "../db/index.ts";
import { sizeOf } from "../lifecycle/size-of.ts";
import type { Log } from "../telemetry/log.ts";
import type {
  AdmitMessage,
  AdmitResult,
  DurableRequest,
  GatewayRef,
  UndeliveredMessage,
} from "../workflows/agent-messages.ts";
import type { CallerRequest } from "./command-lanes.ts";
import { waitMsOf } from "./direct-lane.ts";
import { LifecycleGoneError, RequestRefusedError, SecretsInClearError } from "./errors.ts";
import type { DeclaredTypes, SecretFields } from "./secret-fields.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { unavailable } from "./why-not-here.ts";

const retryMs = { first: 100, most: 1_000 };
/** How much longer than the wait the database may take to note a Request. */
const noteGraceMs = 1_000;

/** What admissions ask of their gateway. */
export interface AdmitPort {
  /** @throws RequestRefusedError when Postgres does not answer, as `whyNoLifecycle`. */
  noteRequest(requestId: string, agentId: string, waitMs: number): Promise<NotedRequest>;
  /** What an agent declared of its Command types when it last connected. @throws as `noteRequest`. */
  commandTypes(agentId: string): Promise<DeclaredTypes | undefined>;
  /** Takes the note of a Request back that was refused before anything was recorded; never throws. */
  forgetRequest(requestId: string): Promise<void>;
  admit(
    agentId: string,
    message: AdmitMessage,
    updateId: string,
    withinMs: number,
  ): Promise<AdmitResult>;
  undelivered(agentId: string, message: UndeliveredMessage): void;
  /** The refusal for an agent without a lifecycle. */
  whyNoLifecycle(agentId: string): Promise<RequestRefusedError>;
}

/** A Request whose id is noted. Times by the process's monotonic clock. */
export interface Asking {
  readonly agentId: string;
  readonly request: CallerRequest;
  /** Those of the Request, their secret fields sealed as far as it is known here which those are. */
  commands: readonly WireCommand[];
  /** Since when its caller waits. */
  readonly startedMs: number;
  readonly waitMs: number;
  /** The session that it may go out by, if this gateway holds one. */
  readonly via: Session | undefined;
  readonly firstAgoMs: number | undefined;
}

/** What differs between callers that wait for Answers and those that do not. */
export type AskingStyle = Pick<AdmitMessage, "progress" | "replyTo">;

export class RequestAdmitter {
  readonly #sessions: Sessions;
  readonly #self: { ref(): GatewayRef };
  readonly #port: AdmitPort;
  readonly #log: Log;
  readonly #secrets: SecretFields;
  readonly #hand: (session: Session, request: DurableRequest) => boolean;
  readonly #stop = new AbortController();

  constructor(parts: {
    sessions: Sessions;
    self: { ref(): GatewayRef };
    port: AdmitPort;
    log: Log;
    secrets: SecretFields;
    /** Writes a Request to a session's socket; false: certainly not written. */
    hand: (session: Session, request: DurableRequest) => boolean;
  }) {
    this.#sessions = parts.sessions;
    this.#self = parts.self;
    this.#port = parts.port;
    this.#log = parts.log;
    this.#secrets = parts.secrets;
    this.#hand = parts.hand;
  }

  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Nothing more is asked, and nothing is tried again. */
  close(): void {
    this.#stop.abort();
  }

  /** @throws RequestRefusedError: nothing was recorded then. */
  async begin(agentId: string, request: CallerRequest): Promise<Asking> {
    if (this.closed) {
      const message = "This gateway stops: ask another one, with the same request id.";
      throw new RequestRefusedError("MANAGER_UNAVAILABLE", message);
    }
    const startedMs = performance.now();
    const session = this.#sessions.find(agentId);
    const waitMs = waitMsOf(request, session?.host.commandTypes);
    const { requestId } = request;
    const noteMs = waitMs + noteGraceMs;
    const declared =
      session === undefined
        ? await intime(this.#port.commandTypes(agentId), noteMs)
        : session.host.commandTypes;
    const commands = this.#secrets.seal(agentId, request.commands, declared);
    checkSize(commands);
    const noted = await intime(this.#port.noteRequest(requestId, agentId, waitMs), noteMs);
    if (noted.agentId !== agentId) {
      throw new RequestRefusedError(
        "REQUEST_ID_TAKEN",
        `Request id ${requestId} was used for agent ${noted.agentId} before: give each Request an id of its own.`,
      );
    }
    const via = session?.takesCommands === true ? session : undefined;
    const { firstAgoMs } = noted;
    return { agentId, request, commands, startedMs, waitMs, via, firstAgoMs };
  }

  /**
   * Asks until the lifecycle says yes or no, or the wait is over: undefined then, and it may have been admitted.
   * @throws RequestRefusedError
   */
  async admit(asking: Asking, style: AskingStyle): Promise<AdmitResult | undefined> {
    const result = await this.#ask(asking, style);
    if (result?.state === "pending" && result.deliver === "caller") {
      this.#write(asking, result.request);
    }
    return result;
  }

  async #ask(asking: Asking, style: AskingStyle): Promise<AdmitResult | undefined> {
    const { agentId, request, startedMs, waitMs } = asking;
    // One id for each asking: tries of it are one, while a caller who asks again gets today's answer.
    const updateId = `${request.requestId}/${randomUUID()}`;
    let pauseMs = retryMs.first;
    for (let attempt = 0; !this.closed; attempt++) {
      const leftMs = startedMs + waitMs - performance.now();
      if (leftMs <= 0) break;
      try {
        const message = this.#message(asking, style, attempt > 0);
        return await this.#admitSealed(asking, message, updateId, leftMs);
      } catch (error) {
        const refusal = await this.#refusalOf(agentId, error);
        if (refusal !== undefined) {
          // After a try of unknown fate the id must stay known: the Request may have been admitted, and run.
          if (attempt === 0 && asking.firstAgoMs === undefined) {
            await this.#port.forgetRequest(request.requestId);
          }
          throw refusal;
        }
        const { requestId } = request;
        this.#log.debug({ agentId, requestId, err: error }, "admit will be retried");
      }
      const { signal } = this.#stop;
      await sleep(Math.min(pauseMs, leftMs), undefined, { signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, retryMs.most);
    }
    return undefined;
  }

  /** The lifecycle knows better what is secret when the agent has declared it just now. */
  async #admitSealed(
    asking: Asking,
    message: AdmitMessage,
    updateId: string,
    withinMs: number,
  ): Promise<AdmitResult> {
    const { agentId } = asking;
    try {
      return await this.#port.admit(agentId, message, updateId, withinMs);
    } catch (error) {
      if (!(error instanceof SecretsInClearError)) throw error;
      const declared = Object.entries(error.secretFields).map(
        ([type, secretFields]) => [type, { secretFields }] as const,
      );
      asking.commands = this.#secrets.seal(
        agentId,
        asking.request.commands,
        Object.fromEntries(declared),
      );
      const { commands } = asking;
      return await this.#port.admit(agentId, { ...message, commands }, updateId, withinMs);
    }
  }

  #message(
    { request, commands, startedMs, via, firstAgoMs }: Asking,
    style: AskingStyle,
    isRetry: boolean,
  ): AdmitMessage {
    const { requestId, onError, waitSeconds } = request;
    const passedMs = performance.now() - startedMs;
    const isRepetition = isRetry || firstAgoMs !== undefined;
    return {
      requestId,
      commands,
      onError,
      // What is left of it: the lifecycle counts from when it admits.
      ...(waitSeconds !== undefined && {
        waitSeconds: isRetry ? Math.max(0.001, waitSeconds - passedMs / 1_000) : waitSeconds,
      }),
      ...(via !== undefined && { via: { ...this.#self.ref(), epoch: via.epoch } }),
      ...(isRepetition && { repeatAgoMs: Math.round((firstAgoMs ?? 0) + passedMs) }),
      ...style,
    };
  }

  async #refusalOf(agentId: string, error: unknown): Promise<RequestRefusedError | undefined> {
    if (error instanceof RequestRefusedError) return error;
    if (error instanceof LifecycleGoneError) return await this.#port.whyNoLifecycle(agentId);
    return undefined;
  }

  #write({ agentId, startedMs, via }: Asking, request: DurableRequest): void {
    // Counted from before the asking: what its caller does not wait for any more is not begun.
    const waitMs = Math.max(0, Math.round(startedMs + request.waitMs - performance.now()));
    if (via?.takesCommands === true && this.#hand(via, { ...request, waitMs })) return;
    this.#port.undelivered(agentId, {
      epoch: via?.epoch ?? 0,
      seqs: [request.seq],
      reason: "The socket closed before the Request was written.",
    });
  }
}

/** Said before anything is noted, and in the lifecycle's own terms: it would refuse the Request. */
function checkSize(commands: readonly WireCommand[]): void {
  const bytes = sizeOf(commands);
  const { requestBytes } = payloadLimits;
  if (bytes <= requestBytes) return;
  throw new RequestRefusedError(
    "TOO_LARGE",
    `The Commands have ${bytes} bytes; a Request of the durable lane may have ${requestBytes}. ` +
      "Send fewer or smaller Commands, or name what the agent can fetch by itself.",
  );
}

/** @throws RequestRefusedError when it takes longer. */
async function intime<T>(noting: Promise<T>, withinMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(unavailable("Postgres", new Error(`No answer within ${Math.round(withinMs)} ms.`)));
    }, withinMs);
  });
  try {
    return await Promise.race([noting, late]);
  } finally {
    clearTimeout(timer);
  }
}
