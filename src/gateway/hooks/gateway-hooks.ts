/** What a gateway tells listeners: its sessions, and the Commands and Answers that pass by. */
import type {
  Answer,
  ConnectedAgent,
  ConnectingAgent,
  HookListener,
  WireCommand,
} from "../../api/index.ts";
import type { Config } from "../../config/index.ts";
import { Listeners } from "../../hooks/listeners.ts";
import type { Log } from "../../telemetry/log.ts";
import type { HostDescription } from "../../workflows/agent-messages.ts";
import type { SocketEnd } from "../agent-socket.ts";
import { maskedCommands } from "../secret-fields.ts";
import type { Session } from "../session.ts";
import { askListeners } from "./ask-listeners.ts";
import { ControlCommands } from "./control-commands.ts";

type Lane = "direct" | "durable";

/** Sees what passes a session's socket. */
export interface PassingObserver {
  onCommands(session: Session, lane: Lane, seq: number, commands: readonly WireCommand[]): void;
  onAnswers(session: Session, lane: Lane, seq: number, answers: readonly Answer[]): void;
}

export class GatewayHooks {
  readonly listeners: Listeners;
  readonly controls: ControlCommands;
  /** Undefined when no listener wants to see Commands or Answers: the lanes then do nothing for it. */
  readonly passing: PassingObserver | undefined;
  readonly #config: Config;
  readonly #log: Log;
  /** Sessions that listeners were told of. */
  readonly #told = new WeakSet<Session>();

  constructor(config: Config, log: Log, listeners: readonly HookListener[]) {
    this.#config = config;
    this.#log = log;
    this.listeners = new Listeners(listeners, { timeoutMs: config.hookTimeoutMs, log });
    this.controls = new ControlCommands(this.listeners, {
      timeoutMs: config.hookTimeoutMs,
      frameBytesMax: config.frameBytesMax,
    });
    const observed = (["onCommands", "onAnswers"] as const).some(
      (method) => this.listeners.withMethod(method).length > 0,
    );
    this.passing = observed ? this.#observer() : undefined;
  }

  /**
   * Whether an admitted agent may connect; never longer than a handshake may take.
   * @throws HandshakeRefusedError VETOED, ListenerFailedError.
   */
  async askConnecting(agentId: string, peer: string, host: HostDescription): Promise<void> {
    const { hookTimeoutMs, handshakeTimeoutMs, hookFailureAdmits } = this.#config;
    await askListeners(this.listeners, this.#describe(agentId, peer, host), {
      timeoutMs: Math.min(hookTimeoutMs, handshakeTimeoutMs),
      failureAdmits: hookFailureAdmits,
      log: this.#log,
    });
  }

  /** A session is open. */
  onOpen(session: Session): void {
    if (this.listeners.all.length === 0) return;
    this.#told.add(session);
    this.listeners.tell("onConnected", session.agentId, () => this.#connected(session));
  }

  /** A session is over; one that never opened is no news. */
  onEnd(session: Session, { code, why, byPeer }: SocketEnd): void {
    if (!this.#told.delete(session)) return;
    this.listeners.tell("onDisconnected", session.agentId, () => ({
      ...this.#connected(session),
      closeCode: code,
      details: why,
      byPeer,
    }));
  }

  #connected(session: Session): ConnectedAgent {
    const { agentId, epoch, host, socket } = session;
    return { ...this.#describe(agentId, socket.peer, host), epoch };
  }

  #describe(agentId: string, peer: string, host: HostDescription): ConnectingAgent {
    const { zone, cluster, resourceType, software, address, facts, resources } = host;
    const { gatewayId } = this.#config;
    return {
      ...{ agentId, gatewayId, peer, zone, cluster, resourceType, software },
      ...(address !== undefined && { address }),
      ...(facts !== undefined && { facts: structuredClone(facts) }),
      resources: structuredClone(resources),
    };
  }

  #observer(): PassingObserver {
    const by = ({ agentId, epoch }: Session, lane: Lane, seq: number) => ({
      ...{ agentId, epoch, gatewayId: this.#config.gatewayId, lane, seq },
    });
    return {
      onCommands: (session, lane, seq, commands) => {
        this.listeners.tell("onCommands", session.agentId, () => ({
          ...by(session, lane, seq),
          commands: structuredClone(maskedCommands(commands, session.host.commandTypes)),
        }));
      },
      onAnswers: (session, lane, seq, answers) => {
        this.listeners.tell("onAnswers", session.agentId, () => ({
          ...by(session, lane, seq),
          answers: structuredClone(answers),
        }));
      },
    };
  }
}
