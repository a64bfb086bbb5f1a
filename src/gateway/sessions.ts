import type { AgentSocket } from "./agent-socket.ts";
import type { Session } from "./session.ts";

/** The sessions that this gateway holds: one for each agent, the newest epoch wins. */
export class Sessions {
  readonly #byAgent = new Map<string, Session>();
  readonly #bySocket = new WeakMap<AgentSocket, Session>();

  get size(): number {
    return this.#byAgent.size;
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#byAgent.values();
  }

  find(agentId: string): Session | undefined {
    return this.#byAgent.get(agentId);
  }

  /** The session of an agent, if it is that one. */
  findEpoch(agentId: string, epoch: number): Session | undefined {
    const session = this.#byAgent.get(agentId);
    return session?.epoch === epoch ? session : undefined;
  }

  ofSocket(socket: AgentSocket): Session | undefined {
    return this.#bySocket.get(socket);
  }

  /**
   * Takes a session in, in place of an older one of the same agent, whose unacknowledged Requests it inherits.
   * `stale` when the agent has a newer one here already: then nothing is changed.
   */
  put(session: Session): { readonly stale: boolean; readonly older?: Session } {
    const other = this.#byAgent.get(session.agentId);
    if (other !== undefined && other.epoch > session.epoch) return { stale: true };
    this.#byAgent.set(session.agentId, session);
    this.#bySocket.set(session.socket, session);
    if (other === undefined) return { stale: false };
    for (const [seq, request] of other.handed) session.handed.set(seq, request);
    return { stale: false, older: other };
  }

  /** Forgets a session; a newer one of the same agent stays. */
  remove(session: Session): void {
    if (this.#byAgent.get(session.agentId) === session) this.#byAgent.delete(session.agentId);
  }
}
