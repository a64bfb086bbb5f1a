/**
 * The agent's memory on disk of durable Requests. It makes "at most one execution for each Command id" true after a
 * crash (DESIGN §7). The file appears with the first line; an agent that never runs a Command that changes something never
 * has one.
 */
import type { Log } from "../telemetry/log.ts";
import { JournalError } from "./errors.ts";
import { JournalFile, type StoredLine } from "./journal-file.ts";
import {
  ackedLine,
  answerLine,
  readJournalLine,
  requestLine,
  seqIn,
  startedLine,
} from "./journal-lines.ts";
import {
  JournalMemory,
  type GivenRequest,
  type NotedRequest,
  type Recollection,
} from "./journal-memory.ts";
import type { RequestKey } from "./request-key.ts";

/** Bytes of what the manager has not acknowledged; beyond it no new Request is taken up. */
const unackedBytesMax = 64 * 1024 * 1024;
/** The file is written anew when it is larger than this and so many times what a fresh one would hold. */
const compactFromBytes = 256 * 1024;
const compactFactor = 3;

export class Journal {
  readonly #file: JournalFile;
  readonly #memory = new JournalMemory();
  readonly #log: Log;
  readonly #unackedBytesMax: number;
  #isWritable = true;

  /** @param bytesMax of what is not acknowledged; for tests. */
  constructor(path: string, log: Log, bytesMax = unackedBytesMax) {
    this.#log = log;
    this.#unackedBytesMax = bytesMax;
    this.#file = new JournalFile(path, () => this.#memory.lines());
  }

  /** What is kept in memory, for tests: none of it may grow over a long life. */
  get sizes(): Readonly<Record<string, number>> {
    return { ...this.#memory.sizes, unackedBytes: this.#memory.liveBytes };
  }

  /**
   * Reads what an earlier run left. A damaged file is set aside and what can be read of it kept.
   * @throws JournalError when the file can't be read.
   */
  async load(): Promise<void> {
    const stored = await this.#file.load();
    const damage = this.#readAll(stored);
    if (damage === undefined) return;
    this.#memory.doubtOthers(damage.upToSeq);
    let setAsideAs: string;
    try {
      setAsideAs = await this.#file.setAside();
    } catch (error) {
      this.#log.error({ err: error }, "the damaged journal can't be set aside yet");
      setAsideAs = "not yet";
    }
    this.#log.error(
      {
        setAsideAs,
        linesRead: stored.length - damage.lines,
        linesDamaged: damage.lines,
        ...(damage.upToSeq !== Infinity && { doubtUpToSeq: damage.upToSeq }),
      },
      "the journal was damaged: kept what could be read; Commands that may have been noted in the rest are answered unknown",
    );
  }

  /** Requests whose Commands are all answered but not acknowledged: what an earlier run had still to send. */
  answeredRequests(): readonly NotedRequest[] {
    return this.#memory.answeredRequests();
  }

  /** Whether the manager has the Answers of this Request. */
  isAcked(request: RequestKey): boolean {
    return this.#memory.isAcked(request);
  }

  /** Sequence numbers of the Requests that are finished, acknowledged or not. */
  finishedSeqs(): readonly number[] {
    return this.#memory.finishedSeqs();
  }

  recall(request: GivenRequest, id: string): Recollection {
    return this.#memory.recall(request, id);
  }

  /**
   * Notes that a Command is about to be executed; resolves when that is on disk.
   * @throws JournalError when it is not: then the Command must not be executed.
   */
  async started(request: GivenRequest, id: string): Promise<void> {
    if (!this.#memory.knows(request) && this.#memory.liveBytes >= this.#unackedBytesMax) {
      throw new JournalError(
        "JOURNAL_FULL",
        `The manager has not acknowledged ${this.#memory.liveBytes} bytes of Answers. Send it again when it has.`,
      );
    }
    if (request.fresh === true && this.#memory.endDoubtBefore(request.seq)) this.#file.compact();
    const line = startedLine(request, id);
    const lines = [...this.#takeUp(request), line];
    this.#memory.started(request, id, sizeOf(line));
    try {
      await this.#append(lines);
    } catch (error) {
      this.#memory.notStarted(request, id);
      throw error;
    }
  }

  /**
   * Notes an Answer (JSON text); resolves when that is on disk.
   * @throws JournalError when it is not. The Answer is remembered in memory all the same, and written when it can be.
   */
  async answered(request: RequestKey, id: string, answer: string): Promise<void> {
    const line = answerLine(request, id, answer);
    const lines = [...this.#takeUp(request), line];
    this.#memory.answered(request, id, answer, sizeOf(line));
    await this.#append(lines);
  }

  /**
   * Notes that the manager has the Answers, in no hurry: a crash before it is on disk costs one repetition. A Request
   * that was never noted, since it only reads, is not remembered.
   */
  acked(request: RequestKey): void {
    if (!this.#memory.knows(request)) return;
    this.#memory.acked(request);
    this.#file.appendLater(ackedLine(request)).catch((error: unknown) => {
      this.#log.debug({ err: error }, "an acknowledgement is not noted yet");
    });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** The line of a Request that is noted for the first time. */
  #takeUp(request: RequestKey): readonly string[] {
    if (this.#memory.knows(request)) return [];
    const line = requestLine(request);
    this.#memory.takeUp(request, sizeOf(line));
    return [line];
  }

  async #append(lines: readonly string[]): Promise<void> {
    const { bytes } = this.#file;
    if (bytes > compactFromBytes && bytes > compactFactor * this.#memory.bytes) {
      this.#file.compact();
    }
    try {
      await this.#file.append(...lines);
    } catch (error) {
      if (this.#isWritable) {
        this.#isWritable = false;
        this.#log.error(
          { err: error },
          "Commands that change something are refused until the journal can be written",
        );
      }
      throw error;
    }
    if (!this.#isWritable) this.#log.info("the journal can be written again");
    this.#isWritable = true;
  }

  /** Applies all lines that can be read; says what could not. */
  #readAll(stored: readonly StoredLine[]) {
    let damaged = 0;
    let later = 0;
    let seqMax = -1;
    let endIsKnown = true;
    for (const { text, isWhole } of stored) {
      const line = isWhole ? readJournalLine(text) : undefined;
      const seq = line === undefined ? seqIn(text) : seqOf(line);
      if (seq !== undefined) seqMax = Math.max(seqMax, seq);
      // Numbers rise: a later line tells up to where the damaged ones before it can have known Requests.
      endIsKnown = line !== undefined || seq !== undefined;
      if (line === undefined) {
        damaged++;
        this.#memory.doubtThoseSoFar();
      } else if (line === "later") later++;
      else this.#memory.apply(line, sizeOf(text));
    }
    if (later > 0) {
      this.#log.warn({ lines: later }, "the journal has lines of a later version: left out");
    }
    if (damaged === 0) return undefined;
    return { lines: damaged, upToSeq: endIsKnown ? seqMax : Infinity };
  }
}

function sizeOf(line: string): number {
  return Buffer.byteLength(line) + 1;
}

function seqOf(line: ReturnType<typeof readJournalLine>): number | undefined {
  return typeof line === "object" && "seq" in line ? line.seq : undefined;
}
