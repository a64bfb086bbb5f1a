import type { Answer, WireCommand } from "../api/index.ts";
import type { RelayPlan } from "../lifecycle/relay-budget.ts";
import type {
  DisconnectCause,
  HostDescription,
  LifecycleSettings,
} from "../workflows/agent-messages.ts";
import type { AgentSocket } from "./agent-socket.ts";
import type { ProgressMarks } from "./progress-marks.ts";

/** A durable Request that this gateway wrote to the agent. */
export interface HandedRequest {
  readonly requestId: string;
  readonly commands: readonly { readonly id: string }[];
  /** Which Answers the agent has told already; there when it was asked to. */
  readonly progress: ProgressMarks | undefined;
}

/** A Request of the direct lane on its way. */
export interface DirectCall {
  readonly session: Session;
  readonly seq: number;
  readonly commands: readonly WireCommand[];
  /** By the process's monotonic clock. */
  readonly deadlineMs: number;
  readonly answered: (answers: readonly Answer[]) => void;
  onProgress(index: number, answer: Answer): void;
}

/** Requests to remember: an agent that never answers must not fill the memory. */
const handedMax = 1_024;

/** What the ping relay remembers of a session; times by the judging clock. */
export interface RelayMemory {
  lastRelayAtMs: number | undefined;
  /** Plan of the last relay: what the workflow was promised. */
  plan: RelayPlan;
  unhealthy: string | undefined;
}

/** One accepted connection of an agent. */
export class Session {
  readonly agentId: string;
  readonly epoch: number;
  readonly host: HostDescription;
  readonly socket: AgentSocket;
  /** Of a direct agent: Requests that earlier sessions were given may not be in its journal. */
  readonly journalSinceEpoch: number | undefined;
  settings: LifecycleSettings;
  /** Last sign of life, by the judging clock. */
  lastPingAtMs: number;
  /** Set once silence was reported: the socket only lives on for a last question. */
  silentSinceMs: number | undefined;
  relay: RelayMemory;
  /** What its end is reported as; undefined until something other than the socket's loss ends it. */
  farewell: DisconnectCause | "unreported" | undefined;
  /** Temporal knows of the session: only then is its end reported. */
  recorded = false;
  /** Of the workloads that its pings told of last. */
  workloadsHash: number | undefined;
  nextSessionSeq = 1;
  nextDirectSeq = 1;
  readonly direct = new Map<number, DirectCall>();
  /** Session Commands of this side that wait for their Answer; called with nothing when the socket is lost. */
  readonly asked = new Map<number, (answer: Answer | undefined) => void>();
  /** Durable Requests that were written and not answered yet, by their `seq`. */
  readonly handed = new Map<number, HandedRequest>();
  /** Commands of the agent to the manager that wait for their Answer. */
  controlsOpen = 0;
  #over: AbortController | undefined;
  #ended = false;
  /** Why Requests were cancelled that may be on their way here, by their `seq`. */
  readonly #cancelled = new Map<number, string>();
  readonly #whenOpen: Promise<boolean>;
  #settleOpen: (open: boolean) => void = () => undefined;

  constructor(parts: {
    agentId: string;
    epoch: number;
    host: HostDescription;
    socket: AgentSocket;
    settings: LifecycleSettings;
    nowMs: number;
    relay: RelayMemory;
    journalSinceEpoch?: number | undefined;
  }) {
    this.agentId = parts.agentId;
    this.epoch = parts.epoch;
    this.host = parts.host;
    this.socket = parts.socket;
    this.settings = parts.settings;
    this.lastPingAtMs = parts.nowMs;
    this.relay = parts.relay;
    this.journalSinceEpoch = parts.journalSinceEpoch;
    this.#whenOpen = new Promise((resolve) => {
      this.#settleOpen = resolve;
    });
  }

  /** Commands may be sent: the handshake is done, and the agent has neither said goodbye nor fallen silent. */
  get takesCommands(): boolean {
    return (
      this.socket.state === "OPEN" &&
      this.farewell === undefined &&
      this.silentSinceMs === undefined
    );
  }

  /** Remembers a Request that was written until its Answers are here, of the newest ones. */
  noteHanded(seq: number, request: HandedRequest): void {
    this.handed.set(seq, request);
    dropOldest(this.handed, handedMax);
  }

  /** Remembers a cancel that may have overtaken its Request, of the newest ones. */
  noteCancelled(seq: number, reason: string): void {
    this.#cancelled.set(seq, reason);
    dropOldest(this.#cancelled, handedMax);
  }

  /** Why that Request was cancelled before it was written; forgets it. */
  takeCancelled(seq: number): string | undefined {
    const reason = this.#cancelled.get(seq);
    this.#cancelled.delete(seq);
    return reason;
  }

  /** Aborted when the session is over. */
  get over(): AbortSignal {
    // Few sessions ever need it.
    this.#over ??= new AbortController();
    if (this.#ended) this.#over.abort();
    return this.#over.signal;
  }

  /** Its socket is closed: nothing is done for it any more. */
  end(): void {
    this.settleOpen(false);
    this.#ended = true;
    this.#over?.abort();
  }

  /** True once the agent is ready, false when the socket closed before. */
  whenOpen(): Promise<boolean> {
    return this.#whenOpen;
  }

  settleOpen(open: boolean): void {
    this.#settleOpen(open);
  }
}

function dropOldest(map: Map<number, unknown>, sizeMax: number): void {
  if (map.size <= sizeMax) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
