/**
 * Agents on their way here. The routing table names this gateway from the moment that a session takes its epoch, but the
 * session takes Commands only once the agent is ready. Who asks in between waits for it: nothing was sent, and the agent,
 * which mostly comes from another gateway (make before break), is well.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { SocketState } from "./socket-state.ts";

/** How long a session that is being opened is waited for. */
const openingMsMax = 5_000;
/** How long a session is waited for that the routing table knows and this process does not: its epoch was taken just now. */
const dueMsMax = 1_000;
const lookEveryMs = 20;

/** What is asked of a session. */
interface Arriving {
  readonly takesCommands: boolean;
  readonly socket: { readonly state: SocketState };
  whenOpen(): Promise<boolean>;
}

export interface ArrivalsParts {
  readonly find: (agentId: string) => Arriving | undefined;
  /** Whether the routing table says that the agent's session is here. Throws what the look-up throws. */
  readonly isDue: (agentId: string) => Promise<boolean>;
}

export class Arrivals {
  readonly #parts: ArrivalsParts;

  constructor(parts: ArrivalsParts) {
    this.#parts = parts;
  }

  /** Whether the agent's session takes Commands, now or within `waitMs` and what is reasonable. */
  async until(agentId: string, waitMs: number): Promise<boolean> {
    const { find, isDue } = this.#parts;
    const startedMs = performance.now();
    const isIn = (ms: number) => performance.now() < startedMs + Math.min(ms, waitMs);
    let due: boolean | undefined;
    while (isIn(openingMsMax)) {
      const session = find(agentId);
      if (session?.takesCommands === true) return true;
      if (session !== undefined && isOpening(session)) {
        await Promise.race([session.whenOpen(), sleep(lookEveryMs)]);
        continue;
      }
      due ??= await isDue(agentId).catch(() => false);
      if (!due || !isIn(dueMsMax)) break;
      await sleep(lookEveryMs);
    }
    return find(agentId)?.takesCommands === true;
  }
}

function isOpening({ socket: { state } }: Arriving): boolean {
  return state === "DECIDING" || state === "READYING";
}
