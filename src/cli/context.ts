import type { Config, Env } from "../config/index.ts";

/** What a command may touch of its process; tests give their own. */
export interface CliContext {
  readonly env: Env;
  /** Writes to stdout: the answer, and nothing else. */
  readonly print: (text: string) => void;
  /** Writes to stderr. */
  readonly complain: (text: string) => void;
  /** How many characters a line of stdout may have. */
  readonly width: number;
  /** Whether stdout is a terminal, on which a line can be written over. */
  readonly terminal: boolean;
  /** How many characters a line of stderr may have, when that is a terminal; undefined when it is none. */
  readonly progressWidth: number | undefined;
  /** Puts a question to whoever sits at the terminal and gives the answer; undefined when nobody does. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /**
   * All settings, read and checked at the first call.
   * @throws ConfigError.
   */
  readonly config: () => Config;
  /** Aborted by the first SIGTERM, SIGINT or SIGHUP; asking for it takes these signals over. */
  readonly stopSignal: () => AbortSignal;
}
