/**
 * An append-only file of JSON lines that survives kill -9, a failing power and a full disk. Lines given while another
 * write is under way go to disk together, with one write that waits for the disk. A last line that was cut off by a crash is dropped when the
 * file is read.
 */
import { constants } from "node:fs";
import { copyFile, link, open, readFile, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { makePrivateDirectory, syncDirectory } from "./disk.ts";
import { JournalError } from "./errors.ts";

/** What each line begins with: the rest of a line that a crash cut off does too. */
const lineStart = '{"t":"';
/** Text that is written at once when the file is written anew. */
const chunkChars = 1024 * 1024;
/** Each write is on disk when it ends, one call in place of a write and an fdatasync; undefined where there is no such flag. */
const writesToDisk = constants.O_DSYNC as number | undefined;
const appendFlags =
  constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | (writesToDisk ?? 0);
/** How long a line may wait for another one to be written with. */
const laterMsMax = 1_000;
/** A failed try that took longer is followed by a rest, so that a full disk is not written to all the time. */
const cheapTryMs = 20;
const restPerTry = 10;

/** A line as the file has it. */
export interface StoredLine {
  readonly text: string;
  /** It is text, and was not cut off in a way that no crash does. */
  readonly isWhole: boolean;
}

interface Waiting {
  readonly text: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class JournalFile {
  readonly #path: string;
  readonly #liveLines: () => Iterable<string>;
  #file: FileHandle | undefined;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  /** Something waits that is not to wait for anything else. */
  #isUrgent = false;
  #later: NodeJS.Timeout | undefined;
  /** Bytes of whole lines. */
  #bytes = 0;
  /** Behind the whole lines stands the rest of one that was cut off. */
  #hasRest = false;
  /** Memory has what the file lacks: the next write has to write it anew. */
  #mustRewrite = false;
  /** It should be written anew when there is room for it, and not before it has so many bytes. */
  #compactsAtBytes = Infinity;
  #setAsideAs: string | undefined;
  #restUntilMs = 0;
  #lastFailure: unknown;
  #closed = false;

  /**
   * @param liveLines everything that a fresh file must hold, what was given to `append` so far included; asked when the
   * file is written anew.
   */
  constructor(path: string, liveLines: () => Iterable<string>) {
    this.#path = path;
    this.#liveLines = liveLines;
  }

  /** Size of the file in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Reads what is there; an absent file is an empty one. Nothing is created or changed.
   * @throws JournalError when the file exists and can't be read at all.
   */
  async load(): Promise<readonly StoredLine[]> {
    let content: Buffer;
    try {
      content = await readFile(this.#path);
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
      throw new JournalError(
        "JOURNAL_UNAVAILABLE",
        `The journal ${this.#path} can't be read (${String(cause)}). Make it a file that this user can read; without it Commands could run twice.`,
        { cause },
      );
    }
    this.#bytes = content.lastIndexOf("\n") + 1;
    this.#hasRest = this.#bytes < content.length;
    const lines = [...linesOf(content.subarray(0, this.#bytes))];
    const rest = content.subarray(this.#bytes);
    if (this.#hasRest && !mayBeCutOff(rest, lines.length > 0)) {
      lines.push({ text: rest.toString("latin1"), isWhole: false });
    }
    return lines;
  }

  /**
   * Keeps the file under another name, for people to look at, and writes it anew. When there is no room for that, the file
   * stays as it is until there is.
   * @returns the other name.
   * @throws whatever kept it from being done now.
   */
  async setAside(): Promise<string> {
    const name = `${this.#path}.damaged-${Date.now()}`;
    this.#setAsideAs = name;
    this.#mustRewrite = true;
    await this.#rewrite();
    return name;
  }

  /**
   * Puts lines (JSON without line breaks) into the file; resolves when they are on disk.
   * @throws JournalError when they are not. Then everything is written anew with the next write.
   */
  append(...lines: readonly string[]): Promise<void> {
    const done = this.#wait(lines);
    void this.#writeNow();
    return done;
  }

  /** As `append`, in no hurry: the line goes with the next one, or in a second. */
  appendLater(line: string): Promise<void> {
    const done = this.#wait([line]);
    this.#later ??= setTimeout(() => {
      void this.#writeNow();
    }, laterMsMax).unref();
    return done;
  }

  /** Has the file written anew from what is live, with the next write, if there is room for it. */
  compact(): void {
    if (this.#compactsAtBytes === Infinity) this.#compactsAtBytes = this.#bytes;
  }

  /** Waits for what was given, then closes. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writeNow();
    await this.#file?.close();
    this.#file = undefined;
  }

  #wait(lines: readonly string[]): Promise<void> {
    if (this.#closed) {
      return Promise.reject(new JournalError("JOURNAL_UNAVAILABLE", "The journal is closed."));
    }
    const text = lines.map((line) => `${line}\n`).join("");
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject });
    });
  }

  #writeNow(): Promise<void> {
    this.#isUrgent = true;
    return (this.#flushing ??= this.#flush());
  }

  async #flush(): Promise<void> {
    while (this.#isUrgent) {
      clearTimeout(this.#later);
      this.#later = undefined;
      this.#isUrgent = false;
      const batch = this.#waiting;
      this.#waiting = [];
      if (batch.length === 0) break;
      try {
        await this.#write(batch.map(({ text }) => text).join(""));
        for (const { resolve } of batch) resolve();
      } catch (cause) {
        this.#mustRewrite = true;
        const error = new JournalError(
          "JOURNAL_UNAVAILABLE",
          `The journal ${this.#path} can't be written (${String(cause)}). Free or repair its disk.`,
          { cause },
        );
        for (const { reject } of batch) reject(error);
      }
    }
    this.#flushing = undefined;
  }

  async #write(text: string): Promise<void> {
    const startedMs = performance.now();
    if (startedMs < this.#restUntilMs) throw this.#lastFailure;
    try {
      if (this.#mustRewrite) await this.#rewrite();
      else if (!(await this.#compacted())) await this.#append(text);
    } catch (error) {
      const endedMs = performance.now();
      const tookMs = endedMs - startedMs;
      this.#restUntilMs = tookMs > cheapTryMs ? endedMs + restPerTry * tookMs : 0;
      this.#lastFailure = error;
      throw error;
    }
  }

  async #append(text: string): Promise<void> {
    const file = (this.#file ??= await this.#open());
    if (this.#hasRest) await file.truncate(this.#bytes);
    this.#hasRest = false;
    await file.appendFile(text);
    if (writesToDisk === undefined) await file.datasync();
    this.#bytes += Buffer.byteLength(text);
  }

  async #open(): Promise<FileHandle> {
    await makePrivateDirectory(dirname(this.#path));
    const file = await open(this.#path, appendFlags, 0o600);
    try {
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      await file.close();
      throw error;
    }
    return file;
  }

  /** False when it is not time, or there is no room for it: the old file goes on then. */
  async #compacted(): Promise<boolean> {
    if (this.#bytes < this.#compactsAtBytes) return false;
    try {
      await this.#rewrite();
    } catch (error) {
      if (this.#mustRewrite) throw error;
      this.#compactsAtBytes = 2 * this.#bytes;
      return false;
    }
    return true;
  }

  /** Until the new file has the name, the old one stays whole. */
  async #rewrite(): Promise<void> {
    await makePrivateDirectory(dirname(this.#path));
    const fresh = `${this.#path}.new`;
    let bytes: number;
    try {
      bytes = await writeWhole(fresh, [...this.#liveLines()]);
    } catch (error) {
      await rm(fresh, { force: true }).catch(() => undefined);
      throw error;
    }
    // Which of the two has the name is not known when something fails from here on.
    this.#mustRewrite = true;
    if (this.#setAsideAs !== undefined) await keepAs(this.#path, this.#setAsideAs);
    await rename(fresh, this.#path);
    await syncDirectory(dirname(this.#path));
    await this.#file?.close();
    this.#file = undefined;
    this.#setAsideAs = undefined;
    this.#bytes = bytes;
    this.#hasRest = false;
    this.#compactsAtBytes = Infinity;
    this.#mustRewrite = false;
  }
}

function* linesOf(content: Buffer): Iterable<StoredLine> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let from = 0; from < content.length;) {
    const to = content.indexOf("\n", from);
    const line = content.subarray(from, to);
    from = to + 1;
    if (line.length === 0) continue;
    try {
      yield { text: decoder.decode(line), isWhole: true };
    } catch {
      yield { text: line.toString("latin1"), isWhole: false };
    }
  }
}

/**
 * Whether the rest behind the last line break can be a line that a crash cut off: such a line was promised to nobody. A
 * power failure may leave NULs for what was not on disk.
 */
function mayBeCutOff(rest: Buffer, hasLines: boolean): boolean {
  const text = rest.toString("latin1").replace(/\0+$/, "");
  return text === "" ? hasLines : text.startsWith(lineStart) || lineStart.startsWith(text);
}

/** Writes a file and has it on disk; gives its size in bytes. */
async function writeWhole(path: string, lines: readonly string[]): Promise<number> {
  const file = await open(path, "w", 0o600);
  let bytes = 0;
  try {
    let chunk = "";
    for (const line of [...lines, undefined]) {
      if (line !== undefined) chunk += `${line}\n`;
      if (line !== undefined && chunk.length < chunkChars) continue;
      await file.appendFile(chunk);
      bytes += Buffer.byteLength(chunk);
      chunk = "";
    }
    await file.datasync();
  } finally {
    await file.close();
  }
  return bytes;
}

/** A second name for a file; a copy where there are no links. */
async function keepAs(path: string, name: string): Promise<void> {
  try {
    await link(path, name);
  } catch {
    await copyFile(path, name);
  }
}
