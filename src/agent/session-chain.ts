/**
 * The agent's session, and how one takes the place of another (make before break, DESIGN §8): when the manager asks the agent
 * to move, the new session is opened first; once it is open it is THE session, and the old one ends when nothing is under
 * way on it any more.
 */
import type { WireCommand } from "../api/index.ts";
import type { Log } from "../telemetry/log.ts";
import { closeCodes } from "../wire/limits.ts";
import type { SessionEnd } from "./session-end.ts";
import type { Session } from "./session.ts";

/**
 * How long the old session stays open at least, for Requests that its gateway wrote before it heard of the move; and at most,
 * while those that came by it are under way.
 */
const lingerMs = { least: 1_000, most: 10_000 };
const lookEveryMs = 50;

export interface ChainParts {
  readonly log: Log;
  /** Dials; the session tells its own listener when it is open. */
  readonly open: (url: string, startups: readonly WireCommand[]) => Session;
  /** Has the resources describe themselves. */
  readonly describe: () => Promise<readonly WireCommand[]>;
  /** Whether Requests that came by that session still need it. */
  readonly isNeeded: (session: Session) => boolean;
}

export class SessionChain {
  readonly #parts: ChainParts;
  #current: Session | undefined;
  #next: Session | undefined;
  #moving: Promise<string | undefined> | undefined;

  constructor(parts: ChainParts) {
    this.#parts = parts;
  }

  /** The session that counts, from its dialling on. */
  get current(): Session | undefined {
    return this.#current;
  }

  /** Runs a session, and those that take its place; gives how the last one ended. */
  async run(url: string, startups: readonly WireCommand[]): Promise<SessionEnd> {
    this.#current = this.#parts.open(url, startups);
    for (;;) {
      const session: Session = this.#current;
      const end = await session.ended;
      // The new one may be about to open just when the old one is lost.
      await this.#moving;
      if (this.#current !== session) continue;
      this.#current = undefined;
      return end;
    }
  }

  /** To be called when a session is open; whether it takes the place of the one before. */
  onOpen(session: Session): boolean {
    if (session !== this.#next) return false;
    const { log } = this.#parts;
    const old = this.#current;
    this.#next = undefined;
    this.#current = session;
    log.info({ from: old?.url, to: session.url, epoch: session.epoch }, "moved to another gateway");
    if (old !== undefined) void this.#retire(old);
    return true;
  }

  /**
   * Opens a session at another gateway; undefined once it has taken the place of `from`, else why it has not, in words.
   */
  async move(from: Session, url: string): Promise<string | undefined> {
    if (from !== this.#current) return "Another session has taken the place of this one.";
    if (this.#moving !== undefined) return "The agent is moving already.";
    if (url === from.url) return "The agent is there already.";
    this.#moving = this.#open(url).catch((error: unknown) => {
      this.#parts.log.warn({ url, err: error }, "could not move to another gateway");
      return `The agent could not prepare for a new session: ${String(error)}`;
    });
    try {
      return await this.#moving;
    } finally {
      this.#moving = undefined;
    }
  }

  /** The agent stops: no new session takes the place of this one. */
  stop(): void {
    this.#next?.close(closeCodes.goingAway, "the agent stops");
  }

  async #open(url: string): Promise<string | undefined> {
    const startups = await this.#parts.describe();
    const next = this.#parts.open(url, startups);
    this.#next = next;
    const end = await Promise.race([next.opened, next.ended]);
    if (end === undefined) return undefined;
    this.#next = undefined;
    return `The other gateway was not to be had: ${end.why}`;
  }

  async #retire(old: Session): Promise<void> {
    const fromMs = performance.now();
    const isOver = (ms: number) => performance.now() - fromMs > ms;
    do await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    while (!isOver(lingerMs.least) || (this.#parts.isNeeded(old) && !isOver(lingerMs.most)));
    old.close(closeCodes.normal, "moved to another gateway");
  }
}
