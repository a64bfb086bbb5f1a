/**
 * What an agent remembers of durable Requests: which Commands were started, what was answered, what the manager has
 * safe. No I/O: `journal.ts` has it on disk.
 */
import {
  ackedLine,
  answerLine,
  doubtLine,
  requestLine,
  startedLine,
  type JournalLine,
} from "./journal-lines.ts";
import { keyOf, saySame, type RequestKey } from "./request-key.ts";

/** Acknowledged Requests to remember (docs/PROTOCOL.md §5). */
const ackedKept = 1_000;

/** A Request that is not acknowledged yet. */
export interface NotedRequest extends RequestKey {
  readonly started: ReadonlySet<string>;
  /** JSON text of the Answers by Command id. */
  readonly answers: ReadonlyMap<string, string>;
}

interface Noted extends NotedRequest {
  readonly started: Set<string>;
  readonly answers: Map<string, string>;
  /** Of its lines. */
  bytes: number;
  /** The file was damaged since it was taken up: it may have noted more. */
  inDoubt: boolean;
}

/** A Request that may be run: `fresh` when the manager is certain that the agent never had it before. */
export interface GivenRequest extends RequestKey {
  readonly fresh?: boolean | undefined;
  /** Another journal may know of it. */
  readonly handedBefore?: boolean | undefined;
}

/** What is known of a Command. */
export type Recollection =
  | { readonly type: "new" }
  /** Started before and not answered: only a crash in between leaves this. */
  | { readonly type: "started" }
  | { readonly type: "answered"; readonly answer: string }
  /** The file was damaged where this Command may have been noted. */
  | { readonly type: "doubtful" }
  /** An earlier owner of the agent, with a journal of its own, may have started it. */
  | { readonly type: "elsewhere" }
  /** Another Request has carried a Command of this id that says the same; its Answer, if it is there still. */
  | { readonly type: "givenBefore"; readonly seq: number; readonly answer: string | undefined }
  /** A Command of this id that says something else came before. */
  | { readonly type: "idTaken"; readonly seq: number };

export class JournalMemory {
  readonly #requests = new Map<string, Noted>();
  /** Acknowledged Requests, oldest first. */
  readonly #acked = new Map<string, RequestKey>();
  /** The Request that carried a Command first, by the Command's id. */
  readonly #carriers = new Map<string, RequestKey>();
  #liveBytes = 0;
  #ackedBytes = 0;
  #doubtUpToSeq = -1;

  /** Size of what is not acknowledged, in bytes. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** Size of all that a fresh file would hold, in bytes. */
  get bytes(): number {
    return this.#liveBytes + this.#ackedBytes;
  }

  get sizes(): Readonly<Record<string, number>> {
    return {
      unacknowledged: this.#requests.size,
      acknowledged: this.#acked.size,
      commandIds: this.#carriers.size,
    };
  }

  knows(request: RequestKey): boolean {
    return this.#requests.has(keyOf(request));
  }

  /** Whether the manager has the Answers of this Request. */
  isAcked(request: RequestKey): boolean {
    return this.#acked.has(keyOf(request));
  }

  /** Requests whose Commands are all answered but not acknowledged. */
  answeredRequests(): readonly NotedRequest[] {
    return [...this.#requests.values()].filter(({ ids, answers }) =>
      ids.every((id) => answers.has(id)),
    );
  }

  /** Numbers of the Requests that are finished, acknowledged or not. */
  finishedSeqs(): readonly number[] {
    return [...this.#acked.values(), ...this.answeredRequests()].map(({ seq }) => seq);
  }

  recall(request: GivenRequest, id: string): Recollection {
    const own = this.#requests.get(keyOf(request));
    const answer = own?.answers.get(id);
    if (answer !== undefined) return { type: "answered", answer };
    const before = own?.started.has(id) === true ? own : (this.#carriers.get(id) ?? own);
    if (before === undefined) {
      if (request.handedBefore === true) return { type: "elsewhere" };
      const isForgotten = request.fresh !== true && request.seq <= this.#doubtUpToSeq;
      return { type: isForgotten ? "doubtful" : "new" };
    }
    const { seq } = before;
    if (!saySame(before, request, id)) return { type: "idTaken", seq };
    if (before !== own) {
      const given = this.#requests.get(keyOf(before))?.answers.get(id);
      return { type: "givenBefore", seq, answer: given };
    }
    if (own.started.has(id)) return { type: "started" };
    if (request.handedBefore === true) return { type: "elsewhere" };
    return { type: own.inDoubt ? "doubtful" : "new" };
  }

  /** Takes up a Request; nothing happens when it is known. A file that was written anew in between may say it twice. */
  takeUp(request: RequestKey, bytes: number): void {
    if (this.knows(request) || this.isAcked(request)) return;
    const { seq, ids, digests } = request;
    const noted = { seq, ids, ...(digests && { digests }), bytes, inDoubt: false };
    this.#requests.set(keyOf(request), { ...noted, started: new Set(), answers: new Map() });
    this.#liveBytes += bytes;
  }

  started(request: RequestKey, id: string, bytes: number): void {
    const noted = this.#requests.get(keyOf(request));
    if (noted === undefined || noted.started.has(id)) return;
    noted.started.add(id);
    this.#carry(noted, id, bytes);
  }

  /** It was not noted after all: it counts as not started. */
  notStarted(request: RequestKey, id: string): void {
    const noted = this.#requests.get(keyOf(request));
    noted?.started.delete(id);
    if (this.#carriers.get(id) === noted) this.#carriers.delete(id);
  }

  answered(request: RequestKey, id: string, answer: string, bytes: number): void {
    const noted = this.#requests.get(keyOf(request));
    if (noted === undefined || noted.answers.has(id)) return;
    noted.answers.set(id, answer);
    this.#carry(noted, id, bytes);
  }

  /** The manager has the Answers. */
  acked(request: RequestKey): void {
    const key = keyOf(request);
    if (this.#acked.has(key)) return;
    const noted = this.#requests.get(key);
    if (noted !== undefined) {
      this.#requests.delete(key);
      this.#liveBytes -= noted.bytes;
    }
    const { seq, ids, digests } = noted ?? request;
    const remembered = { seq, ids, ...(digests && { digests }) };
    this.#acked.set(key, remembered);
    this.#ackedBytes += ackedLine(remembered).length + 1;
    for (const id of ids) {
      const carrier = this.#carriers.get(id);
      if (carrier === undefined || carrier === noted) this.#carriers.set(id, remembered);
    }
    this.#forgetOldest();
  }

  /** The file is damaged behind the lines so far: more may have been noted of the Requests in them. */
  doubtThoseSoFar(): void {
    for (const noted of this.#requests.values()) noted.inDoubt = true;
  }

  /** The file knew of Requests up to that number that are forgotten now. */
  doubtOthers(upToSeq: number): void {
    this.#doubtUpToSeq = Math.max(this.#doubtUpToSeq, upToSeq);
  }

  /** A Request of that number came for the first time: none with a higher number can be forgotten. Whether that is news. */
  endDoubtBefore(seq: number): boolean {
    if (this.#doubtUpToSeq < seq) return false;
    this.#doubtUpToSeq = seq - 1;
    return true;
  }

  /** Applies a line of the file. */
  apply(line: JournalLine, bytes: number): void {
    switch (line.t) {
      case "request":
        this.takeUp(line, bytes);
        return;
      case "started":
        this.started(this.#requestOf(line), line.id, bytes);
        return;
      case "answer":
        this.answered(this.#requestOf(line), line.id, JSON.stringify(line.answer), bytes);
        return;
      case "acked":
        this.acked(line);
        return;
      case "doubt":
        this.doubtThoseSoFar();
        this.doubtOthers(line.upToSeq ?? Infinity);
        return;
    }
  }

  /** All that a fresh file must hold. */
  *lines(): Iterable<string> {
    const noted = [...this.#requests.values()];
    for (const request of noted) if (request.inDoubt) yield* linesOf(request);
    if (this.#doubtUpToSeq >= 0) yield doubtLine(this.#doubtUpToSeq);
    for (const request of this.#acked.values()) yield ackedLine(request);
    for (const request of noted) if (!request.inDoubt) yield* linesOf(request);
  }

  #carry(noted: Noted, id: string, bytes: number): void {
    noted.bytes += bytes;
    this.#liveBytes += bytes;
    if (!this.#carriers.has(id)) this.#carriers.set(id, noted);
  }

  #forgetOldest(): void {
    const [oldest] = this.#acked;
    if (this.#acked.size <= ackedKept || oldest === undefined) return;
    const [key, request] = oldest;
    this.#acked.delete(key);
    this.#ackedBytes -= ackedLine(request).length + 1;
    for (const id of request.ids) {
      if (this.#carriers.get(id) === request) this.#carriers.delete(id);
    }
  }

  /** Lines of earlier versions name a Request by its first id alone. */
  #requestOf({ key, seq }: { readonly key: string; readonly seq?: number }): RequestKey {
    if (seq !== undefined) return { seq, ids: [key] };
    const named = [...this.#requests.values()].findLast(({ ids }) => ids[0] === key);
    return named ?? { seq: -1, ids: [key] };
  }
}

function* linesOf(request: Noted): Iterable<string> {
  yield requestLine(request);
  for (const id of request.started) yield startedLine(request, id);
  for (const [id, answer] of request.answers) yield answerLine(request, id, answer);
}
