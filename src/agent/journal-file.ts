/**
 * An append-only file of JSON lines that survives kill -9 and a full disk. Lines given while another write is under
 * way go to disk together, with one fdatasync. A last line that was cut off by a crash is dropped when the file is
 * opened; any other unreadable line means that the file was damaged.
 */
import { mkdir, open, readFile, rename, truncate, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { JournalError } from "./errors.ts";

/** What a journal file held. */
export interface JournalContent {
  readonly lines: readonly unknown[];
  /** Where the file was put when not every line could be read. */
  readonly setAsideAs?: string;
}

interface Waiting {
  readonly text: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class JournalFile {
  readonly #path: string;
  readonly #liveLines: () => readonly string[];
  #file: FileHandle | undefined;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #mustRewrite = false;
  #closed = false;
  /** Lines in the file, for the decision to write it anew. */
  lineCount = 0;

  /**
   * @param liveLines everything that a fresh file must hold; asked when the file is written anew.
   */
  constructor(path: string, liveLines: () => readonly string[]) {
    this.#path = path;
    this.#liveLines = liveLines;
  }

  /**
   * Reads what is there; an absent file is an empty one. Nothing is created.
   * @throws JournalError when the file exists and can't be read at all.
   */
  async load(): Promise<JournalContent> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT")
        return { lines: [] };
      throw new JournalError(`The journal ${this.#path} can't be read. Make it readable.`, {
        cause,
      });
    }
    const end = text.lastIndexOf("\n") + 1;
    const parsed = text.slice(0, end).split("\n").filter(Boolean).map(parseLine);
    const lines = parsed.filter((line) => line !== undefined);
    this.lineCount = lines.length;
    if (lines.length < parsed.length) {
      const setAsideAs = `${this.#path}.damaged-${Date.now()}`;
      await rename(this.#path, setAsideAs);
      this.#mustRewrite = true;
      return { lines, setAsideAs };
    }
    if (end < text.length) await truncate(this.#path, Buffer.byteLength(text.slice(0, end)));
    return { lines };
  }

  /**
   * Puts lines (JSON without line breaks) into the file; resolves when they are on disk.
   * @throws JournalError when they are not.
   */
  append(...lines: readonly string[]): Promise<void> {
    if (this.#closed) return Promise.reject(new JournalError("The journal is closed."));
    const text = lines.map((line) => `${line}\n`).join("");
    this.lineCount += lines.length;
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject });
    });
    this.#flushing ??= this.#flush();
    return done;
  }

  /** Has the file written anew from what is live, with the next write. */
  compact(): void {
    this.#mustRewrite = true;
  }

  /** Waits for what was given, then closes. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#flushing;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(batch.map(({ text }) => text).join(""));
        for (const { resolve } of batch) resolve();
      } catch (cause) {
        // What the file holds now is not known: the next write starts a fresh one.
        this.#mustRewrite = true;
        const error = new JournalError(
          `The journal ${this.#path} can't be written. Free or repair its disk.`,
          { cause },
        );
        for (const { reject } of batch) reject(error);
      }
    }
    this.#flushing = undefined;
  }

  async #write(text: string): Promise<void> {
    if (this.#file === undefined)
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    if (this.#mustRewrite) {
      await this.#rewrite();
      this.#mustRewrite = false;
    }
    if (this.#file === undefined) {
      this.#file = await open(this.#path, "a", 0o600);
      await syncDirectory(dirname(this.#path));
    }
    await this.#file.appendFile(text);
    await this.#file.datasync();
  }

  async #rewrite(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    const lines = this.#liveLines();
    const fresh = `${this.#path}.new`;
    const file = await open(fresh, "w", 0o600);
    try {
      await file.writeFile(lines.map((line) => `${line}\n`).join(""));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(fresh, this.#path);
    await syncDirectory(dirname(this.#path));
    this.lineCount = lines.length;
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) ?? undefined;
  } catch {
    return undefined;
  }
}

/** A new name is safe only when its directory is on disk too. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
