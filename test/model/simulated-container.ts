/**
 * The gateway and the container of a simulated agent, as far as they carry Requests: what they were given, what they did of it,
 * what they said. Everything is written down, to be judged by the model's laws.
 */
import { ActivityFailure, RetryState, TimeoutFailure, TimeoutType } from "@temporalio/common";
import type { Answer, WireCommand } from "../../src/api/index.ts";
import type { DurableRequest } from "../../src/workflows/agent-messages.ts";
import { admitFailure, onAdmit } from "../../src/workflows/agent/admit.ts";
import { onCancel } from "../../src/workflows/agent/requests.ts";
import { gatewayOf, SimulatedAgent } from "./simulated-agent.ts";
import type { ActivityAnswer } from "./simulated-temporal.ts";

/** What the gateway does with Requests that it is handed. */
export type Gateway =
  | "writes"
  /** Its workers are busy, or it is dying: nobody takes the task. */
  | "takes none"
  /** It takes the task and dies. */
  | "dies before writing"
  /** It writes them, and nobody hears of it. */
  | "dies after writing"
  | "gives back";

/** A Request that was handed over, and what came of the handing over. */
interface Delivery {
  readonly epoch: number;
  readonly request: DurableRequest;
  readonly fate: Gateway;
  /** Numbers of the in-sequence Requests before it that were pending then. */
  readonly before: readonly number[];
  /** Runs that had ended by then: the next one hands over anew what this one was about to. */
  readonly runs: number;
}

/** A Request that the container has. */
interface Had {
  readonly request: DurableRequest;
  cancelled: boolean;
  answers: readonly Answer[] | undefined;
}

/** How often pings are relayed of an agent whose gateway vouches for it. */
const pingEveryMs = 900_000;

export class SimulatedContainer {
  readonly agent: SimulatedAgent;
  gateway: Gateway = "writes";
  /** How long the container works on a Request. */
  worksMs = 1_000;
  readonly deliveries: Delivery[] = [];
  readonly cancels: { readonly epoch: number; readonly seq: number }[] = [];
  /** How often Commands had an effect, by their ids. */
  readonly effects = new Map<string, number>();
  /** Commands that were admitted, by request id. */
  readonly admitted = new Map<string, readonly WireCommand[]>();
  /** What their callers, which are workflows, were told. */
  readonly told = new Map<string, (readonly Answer[])[]>();
  readonly #has = new Map<number, Had>();
  #pings = false;
  /** No session is open. */
  away = true;

  constructor() {
    this.agent = new SimulatedAgent((name, args) => this.#activity(name, args));
    this.agent.temporal.onSignal = (_, message) => {
      const { requestId, answers } = message as { requestId: string; answers: readonly Answer[] };
      this.told.set(requestId, [...(this.told.get(requestId) ?? []), answers]);
    };
  }

  connect(): void {
    this.away = false;
    this.agent.connect();
    if (this.#pings) this.agent.ping(this.agent.epoch, 2 * pingEveryMs);
  }

  /** From now on the agent pings as long as it has a session; without it, it falls silent in a while. */
  keepPinging(): void {
    this.#pings = true;
    if (!this.away) this.agent.ping(this.agent.epoch, 2 * pingEveryMs);
    this.agent.temporal.later(pingEveryMs, () => {
      this.keepPinging();
    });
  }

  lose(): void {
    this.away = true;
    this.agent.disconnect({ type: "socketLost", details: "closed" });
  }

  /** A caller asks, over this gateway or as a Temporal client. */
  admit(
    requestId: string,
    types: readonly string[],
    options: {
      readonly waitMs: number;
      readonly viaGateway?: boolean;
      readonly progress?: boolean;
    },
  ): boolean {
    const { waitMs, viaGateway = false, progress = false } = options;
    const commands = types.map((type, index) => ({ type, id: `${requestId}/${index}` }));
    const { epoch } = this.agent;
    const message = {
      requestId,
      commands,
      onError: "stop",
      waitSeconds: waitMs / 1_000,
      progress,
      replyTo: { type: "workflow", workflowId: "caller", signal: "answers" },
      ...(viaGateway && { via: { ...gatewayOf(epoch), epoch } }),
    } as const;
    const result = this.agent.update(
      (agent) => admitFailure(agent, message),
      (agent) => onAdmit(agent, message),
    );
    if (result === undefined) return false;
    this.admitted.set(requestId, commands);
    if (result.state === "pending" && result.deliver === "caller") {
      this.#handedByCaller(epoch, result.request);
    }
    return true;
  }

  cancel(requestId: string): string | undefined {
    return this.agent.update(
      () => undefined,
      (agent) => onCancel(agent, { requestId, reason: "the model says so" }),
    );
  }

  /** The container tells of the Answers to the first Commands of a Request that it works on. */
  tellProgress(seq: number): void {
    const had = this.#has.get(seq);
    if (had === undefined || had.answers !== undefined || had.cancelled) return;
    const [first] = had.request.commands;
    if (first === undefined || this.effects.has(first.id)) return;
    this.#work(first);
    this.agent.put({ type: "progress", message: { seq, answers: [done(first)] } });
  }

  #handedByCaller(epoch: number, request: DurableRequest): void {
    const open = !this.away && this.gateway !== "gives back";
    this.#note(epoch, request, open ? "writes" : "gives back");
    if (open) this.#take(request);
    else {
      const message = { epoch, seqs: [request.seq], reason: "the socket was gone" };
      this.agent.put({ type: "undelivered", message });
    }
  }

  #activity(name: string, args: unknown): ActivityAnswer | undefined {
    if (name === "cancelRequest") {
      const { epoch, seq } = args as { epoch: number; seq: number };
      if (this.gateway === "takes none") return nobodyTookIt;
      this.cancels.push({ epoch, seq });
      this.#cancel(seq);
      return { afterMs: 5 };
    }
    if (name !== "deliver") return undefined;
    const { epoch, requests } = args as { epoch: number; requests: readonly DurableRequest[] };
    const open = !this.away && epoch === this.agent.epoch;
    const fate = open || this.gateway === "takes none" ? this.gateway : "gives back";
    for (const request of requests) this.#note(epoch, request, fate);
    if (fate === "takes none") return nobodyTookIt;
    const seqs = requests.map(({ seq }) => seq);
    if (fate === "gives back") return { afterMs: 5, value: { written: [], notWritten: seqs } };
    if (fate === "dies before writing") return died;
    for (const request of requests) this.#take(request);
    if (fate === "dies after writing") return died;
    return { afterMs: 5, value: { written: seqs, notWritten: [] } };
  }

  #note(epoch: number, request: DurableRequest, fate: Gateway): void {
    const { mailbox } = this.agent.state;
    const before = mailbox.pending
      .filter(({ seq, inSequence }) => inSequence && seq < request.seq)
      .map(({ seq }) => seq);
    const runs = this.agent.runs;
    this.deliveries.push({ epoch, request, fate, before, runs });
  }

  /** The container has it: it works on it once, however often it comes. */
  #take(request: DurableRequest): void {
    const { seq, cancelled } = request;
    const known = this.#has.get(seq);
    if (known === undefined) {
      this.#has.set(seq, { request, cancelled: false, answers: undefined });
      this.agent.temporal.later(this.worksMs, () => {
        this.#finish(seq);
      });
    } else if (known.answers !== undefined) this.#say(seq, known.answers);
    if (cancelled !== undefined) this.#cancel(seq);
  }

  #cancel(seq: number): void {
    const had = this.#has.get(seq);
    if (had !== undefined) had.cancelled = true;
  }

  #finish(seq: number): void {
    const had = this.#has.get(seq);
    if (had === undefined) return;
    had.answers = had.request.commands.map((command) => {
      if (this.effects.has(command.id)) return done(command);
      if (had.cancelled) return notDone(command);
      this.#work(command);
      return done(command);
    });
    this.#say(seq, had.answers);
  }

  #work({ id }: WireCommand): void {
    this.effects.set(id, (this.effects.get(id) ?? 0) + 1);
  }

  #say(seq: number, answers: readonly Answer[]): void {
    const gateway = gatewayOf(this.agent.epoch);
    this.agent.put({ type: "answer", message: { seq, answers, gateway } });
  }
}

function done({ id }: WireCommand): Answer {
  return { type: "DoneAnswer", commandId: id, result: true };
}
function notDone({ id }: WireCommand): Answer {
  return {
    type: "ErrorAnswer",
    commandId: id,
    result: false,
    outcome: "notSent",
    errorCode: "CANCELLED",
  };
}

/** As the lifecycle sees a task that was taken and not ended within ten seconds. */
const died: ActivityAnswer = { afterMs: 10_000, error: new Error("no answer") };

/** As the lifecycle sees a task that nobody takes from the queue within five seconds. */
const nobodyTookIt: ActivityAnswer = {
  afterMs: 5_000,
  error: new ActivityFailure(
    "Activity task timed out",
    "deliver",
    "1",
    RetryState.TIMEOUT,
    "",
    new TimeoutFailure("not started", undefined, TimeoutType.SCHEDULE_TO_START),
  ),
};
