/** From the first frame of a socket to an open session. */
import { randomUUID } from "node:crypto";
import type { StartupAnswer } from "../api/index.ts";
import { takeEpoch } from "../db/index.ts";
import { refuseRemoved } from "../lifecycle/admission.ts";
import type { Frame, ResponseFrame } from "../wire/frames.ts";
import { closeCodes, elsewhereCode, protocolVersion } from "../wire/limits.ts";
import type { HostDescription, LifecycleSettings } from "../workflows/agent-messages.ts";
import { admit } from "./admission.ts";
import type { AgentSocket } from "./agent-socket.ts";
import { HandshakeRefusedError, LifecycleGoneError, ListenerFailedError } from "./errors.ts";
import { readHello, type Hello } from "./hello.ts";
import { describeHost } from "./host-description.ts";
import { reportEnd } from "./on-disconnect.ts";
import type { GatewayParts } from "./parts.ts";
import { refuseAgent } from "./refuse-agent.ts";
import { Session } from "./session.ts";

/** How long an agent is to leave a gateway alone that is being emptied. */
const elsewhereRetryMs = 30_000;
/** Between two log lines that tell how many handshakes were put off. */
const sayBusyEveryMs = 5_000;
const unavailableRetryMs = { least: 1_000, most: 5_000 };

export class Handshakes {
  readonly #parts: GatewayParts;
  readonly #onEnded: (socket: AgentSocket) => void;
  /** Handshakes put off since that was logged last. */
  #putOff = 0;
  #saidBusyAtMs = Number.NEGATIVE_INFINITY;

  /** `onEnded`: the gateway's own part of a handshake is over, well or badly; called once for each `onHello`. */
  constructor(parts: GatewayParts, onEnded: (socket: AgentSocket) => void) {
    this.#parts = parts;
    this.#onEnded = onEnded;
  }

  /** @throws MalformedFrameError when the frame is no hello. */
  onHello(socket: AgentSocket, frame: Frame): void {
    const hello = readHello(frame);
    socket.change("hello", `agent ${hello.fields.agentId} says hello`);
    this.#decide(socket, hello)
      .catch((error: unknown) => {
        this.#onFailed(socket, hello, error);
      })
      .finally(() => {
        this.#onEnded(socket);
      });
  }

  /** The agent's ReadyAnswer: the session is open, or failed for a reason of the agent's own. */
  onReady(session: Session, frame: ResponseFrame): void {
    const answer = frame.answers[0];
    if (answer?.type !== "ReadyAnswer") return;
    if (answer.result) {
      session.socket.change("ready", "the agent is ready");
      session.lastPingAtMs = this.#parts.clock.now();
      session.settleOpen(true);
      this.#parts.metrics.handshakes.inc({ result: "open" });
      this.#parts.log.info(
        { agentId: session.agentId, epoch: session.epoch, peer: session.socket.peer },
        "session open",
      );
      this.#parts.hooks.onOpen(session);
      return;
    }
    const details = answer.details ?? "The agent answered Ready with a failure and no details.";
    session.farewell = { type: "handshakeFailed", details, retryable: true };
    session.socket.end(closeCodes.refused, { code: "NOT_READY", message: details });
  }

  /** A handshake was put off. In a storm there are thousands: one line now and then says how many. */
  onBusy(): void {
    const { metrics, log, config } = this.#parts;
    metrics.handshakes.inc({ result: "BUSY" });
    this.#putOff += 1;
    const nowMs = performance.now();
    if (nowMs - this.#saidBusyAtMs < sayBusyEveryMs) return;
    log.warn(
      { putOff: this.#putOff, handshakesMax: config.handshakesMax },
      "more agents connect at once than are let in: the others were told when to come back",
    );
    this.#saidBusyAtMs = nowMs;
    this.#putOff = 0;
  }

  /** The handshake took too long; whose fault it was depends on how far it came. */
  onTimeout(socket: AgentSocket): void {
    const session = this.#parts.sessions.ofSocket(socket);
    switch (socket.state) {
      case "OPENING":
      case "READYING": {
        const message = "The handshake was not finished in time.";
        if (session !== undefined) {
          session.farewell = { type: "handshakeFailed", details: message, retryable: true };
        }
        socket.end(closeCodes.handshakeTimeout, { code: "HANDSHAKE_TIMEOUT", message });
        return;
      }
      case "DECIDING":
        this.#refuseUnavailable(socket, "The gateway could not decide in time.");
        return;
      case "OPEN":
      case "CLOSED":
        return;
    }
  }

  async #decide(socket: AgentSocket, hello: Hello): Promise<void> {
    const parts = this.#parts;
    const unready = parts.unreadyReasons();
    // Alone it takes them as long as it can record them.
    if (parts.isInDoubt() && parts.gatewayUrls().length > 1) {
      this.#refuseUnavailable(socket, "it is not sure of its place in the cluster");
      return;
    }
    if (unready.length > 0) {
      this.#refuseUnavailable(socket, unready.join("; "));
      return;
    }
    if (parts.sendsAgentsAway()) {
      this.#sendElsewhere(socket, hello);
      return;
    }
    const host = describeHost(hello.startups, hello.fields.software);
    const settings = await admit(parts.db, parts.config, hello.fields, host);
    await parts.hooks.askConnecting(hello.fields.agentId, socket.peer, host);
    const session = await this.#begin(socket, hello, host, settings);
    if (session === undefined) return;
    const older = this.#putIn(session);
    if (older === "stale") return;
    await this.#record(session, older);
    session.recorded = true;
    older?.socket.end(closeCodes.superseded, {
      code: "SUPERSEDED",
      message: `The agent opened a newer session (epoch ${session.epoch}).`,
    });
    if (!socket.change("admitted", `epoch ${session.epoch}`)) {
      reportEnd(parts, session, { code: 1006, why: "during the handshake", byPeer: true });
      return;
    }
    this.#welcome(session, hello);
  }

  /** Takes the epoch. Undefined when the agent is no longer wanted, or gone. */
  async #begin(
    socket: AgentSocket,
    hello: Hello,
    host: HostDescription,
    settings: LifecycleSettings,
  ): Promise<Session | undefined> {
    if (socket.state === "CLOSED") return undefined;
    const { agentId: id } = hello.fields;
    const self = this.#parts.self.ref();
    const { zone, cluster, resourceType } = host;
    const place = { zone, cluster, resourceType };
    const epoch = await takeEpoch(this.#parts.db, { agentId: id, ...self, ...place, host });
    if (epoch === undefined) throw HandshakeRefusedError.of(refuseRemoved(id));
    this.#parts.refusals.forget(id);
    const nowMs = this.#parts.clock.now();
    const relay = this.#parts.relay.atConnect(id, settings);
    const journalSinceEpoch = this.#parts.directAgents.journalEpochOf(id);
    return new Session({
      agentId: id,
      ...{ epoch, host, socket, settings, nowMs, relay, journalSinceEpoch },
    });
  }

  /** The newest epoch wins, also among handshakes that overtake each other. */
  #putIn(session: Session): Session | "stale" | undefined {
    const { stale, older } = this.#parts.sessions.put(session);
    if (!stale) {
      if (older?.farewell === undefined) {
        if (older !== undefined) older.farewell = "unreported";
        return older;
      }
      // It was on its way out by itself.
      older.socket.end(closeCodes.superseded, "The agent opened a newer session.");
      return undefined;
    }
    session.socket.end(closeCodes.superseded, {
      code: "SUPERSEDED",
      message: "The agent opened a newer session meanwhile.",
    });
    return "stale";
  }

  async #record(session: Session, older: Session | undefined): Promise<void> {
    const { agentId: id, epoch, host, settings } = session;
    const gateway = this.#parts.self.ref();
    const vouchForMs = this.#parts.relay.vouchesForMs(session);
    try {
      await this.#parts.port.connected(id, { epoch, gateway, host, settings, vouchForMs });
    } catch (error) {
      this.#parts.sessions.remove(session);
      // Temporal may have it all the same, so both ends are told: of this session, and of the one that it replaced.
      const details = "Temporal did not confirm the session.";
      const cause = { type: "handshakeFailed", details, retryable: true } as const;
      void this.#parts.outbox.put(id, { name: "disconnect", message: { epoch, cause } });
      if (older !== undefined) {
        older.farewell = undefined;
        if (older.socket.state === "CLOSED") {
          reportEnd(this.#parts, older, { code: 1006, why: "", byPeer: true });
        } else older.socket.end(closeCodes.unavailable, "A newer session could not be recorded.");
      }
      throw error;
    }
  }

  /** Nothing is wrong with the agent: it learns which gateways take it, and tries them at once. */
  #sendElsewhere(socket: AgentSocket, hello: Hello): void {
    const message = "This gateway is being emptied: connect to another one.";
    const answers = hello.startups.map(({ id }): StartupAnswer => ({
      type: "StartupAnswer",
      commandId: id,
      result: false,
      errorCode: elsewhereCode,
      details: message,
      retryAfterMs: elsewhereRetryMs,
      gateways: this.#parts.gatewayUrls(),
    }));
    this.#parts.metrics.handshakes.inc({ result: elsewhereCode });
    socket.send({ v: protocolVersion, kind: "response", lane: "session", seq: hello.seq, answers });
    socket.end(closeCodes.busy, message);
  }

  #welcome(session: Session, hello: Hello): void {
    const { settings, epoch, socket } = session;
    const gateways = this.#parts.gatewayUrls();
    const answers = hello.startups.map((startup): StartupAnswer => ({
      type: "StartupAnswer",
      commandId: startup.id,
      result: true,
      epoch,
      pingIntervalMs: settings.pingIntervalMs,
      gateways,
    }));
    socket.send({ v: 1, kind: "response", lane: "session", seq: hello.seq, answers });
    socket.send({
      v: 1,
      kind: "request",
      lane: "session",
      seq: session.nextSessionSeq++,
      commands: [{ type: "Ready", id: randomUUID(), epoch }],
    });
  }

  #onFailed(socket: AgentSocket, hello: Hello, error: unknown): void {
    const { agentId: id } = hello.fields;
    if (error instanceof HandshakeRefusedError) {
      refuseAgent(this.#parts, socket, hello, error);
    } else if (error instanceof LifecycleGoneError) {
      const removed = HandshakeRefusedError.of(refuseRemoved(id), { cause: error });
      refuseAgent(this.#parts, socket, hello, removed);
    } else if (error instanceof ListenerFailedError) {
      this.#parts.log.warn({ agentId: id, peer: socket.peer, code: error.code }, error.message);
      this.#refuseUnavailable(socket, error.message);
    } else {
      this.#parts.log.warn({ agentId: id, peer: socket.peer, err: error }, "handshake failed");
      this.#refuseUnavailable(socket, "Postgres or Temporal does not answer.");
    }
  }

  #refuseUnavailable(socket: AgentSocket, why: string): void {
    this.#parts.metrics.handshakes.inc({ result: "UNAVAILABLE" });
    const { least, most } = unavailableRetryMs;
    socket.end(closeCodes.unavailable, {
      code: "UNAVAILABLE",
      message: `This gateway can't take agents at the moment: ${why}`,
      retryAfterMs: Math.round(least + Math.random() * (most - least)),
    });
  }
}
