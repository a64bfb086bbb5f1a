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
