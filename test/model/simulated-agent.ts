/** One agent's whole lifecycle on virtual time, and a record of all that it did, to be judged by the model's laws. */
import type { Finding, Status } from "../../src/api/index.ts";
import type { BrakeAnswer } from "../../src/lifecycle/index.ts";
import type { Agent } from "../../src/workflows/agent/agent.ts";
import type { Inbound } from "../../src/workflows/agent/inbox.ts";
import { Life } from "../../src/workflows/agent/life.ts";
import { onVerb, verbFailure } from "../../src/workflows/agent/operator-verbs.ts";
import { newAgentState, type AgentState } from "../../src/workflows/agent/state.ts";
import type { AgentEvent, AgentRecord } from "../../src/workflows/activity-types.ts";
import type {
  DisconnectCause,
  GatewayRef,
  LifecycleSettings,
  OperatorVerb,
} from "../../src/workflows/agent-messages.ts";
import { runOn, SimulatedTemporal, type ActivityAnswer } from "./simulated-temporal.ts";

export const settings: LifecycleSettings = {
  pingIntervalMs: 10_000,
  pingTimeoutMultiplier: 2.5,
  reconnectGraceMs: 5_000,
  alertWaitMs: 45_000,
  investigateRetryMs: 10_000,
};

/** What an Investigator answers while the model says so. */
export type Truth = "Up" | "Down" | "Unknown" | "throws" | "rubbish" | "hangs";
export type BrakeTruth = "free" | "held" | "away";

/** What the world outside does when an activity of that name is asked for; undefined: as every agent's would. */
export type World = (name: string, args: unknown) => ActivityAnswer | undefined;

const gatewayId = "g1";

export class SimulatedAgent {
  readonly temporal: SimulatedTemporal;
  truth: Truth = "Unknown";
  brake: BrakeTruth = "free";
  /** How long an activity takes. */
  answerMs = 100;
  readonly events: AgentEvent[] = [];
  /** Down findings and free brakes that were given, with the session that they were about. */
  readonly downs: { readonly epoch: number; readonly atMs: number }[] = [];
  readonly freed: { readonly atMs: number }[] = [];
  epoch = 0;
  /** Runs that the lifecycle ended by itself, by the length of their histories. */
  readonly renewedAt: number[] = [];
  /** Runs that have ended, also by the model. */
  runs = 0;
  /** The lifecycle has come to its end. */
  over = false;
  /** What the main loop failed with: on Temporal its workflow task would be tried for ever. */
  failure: unknown;
  #life: Life;

  constructor(world: World = () => undefined) {
    this.temporal = new SimulatedTemporal(
      (name, args) => world(name, args) ?? this.#answer(name, args),
    );
    runOn(this.temporal);
    this.#life = this.#start(newAgentState("agent-1", this.temporal.nowMs));
  }

  get state(): AgentState {
    return this.#life.agent.state;
  }

  get status(): Status {
    return this.state.status;
  }

  /** A new session, or with `epoch` the late news of an old one. */
  connect(epoch?: number): void {
    const session = epoch ?? ++this.epoch;
    this.put({
      type: "connected",
      message: {
        epoch: session,
        gateway: gatewayOf(session),
        host: { zone: "z", cluster: "c", resourceType: "simulator", software: "t", resources: [] },
        settings,
      },
    });
  }

  ping(epoch = this.epoch, vouchForMs = 0): void {
    this.put({ type: "ping", message: { epoch, lastPingAgoMs: 0, vouchForMs } });
  }

  disconnect(cause: DisconnectCause, epoch = this.epoch): void {
    this.put({ type: "disconnect", message: { epoch, cause } });
  }

  /** A gateway did not admit it. */
  refused(retryable: boolean): void {
    const message = { code: "CLUSTER_UNKNOWN", details: "declare the cluster", retryable };
    this.put({ type: "refused", message });
  }

  gatewayLost(incarnation: string): void {
    const gateway = { gatewayId, incarnation };
    this.put({ type: "gatewayLost", message: { gateway, reason: "no heartbeat" } });
  }

  /** A signal arrives. */
  put(inbound: Inbound): void {
    this.temporal.historyLength += 1;
    this.#life.put(inbound);
  }

  /**
   * As an Update does it.
   * @returns undefined when the validator refuses, which leaves no trace.
   */
  update<T>(
    refusalOf: (agent: Agent) => Error | undefined,
    act: (agent: Agent) => T,
  ): T | undefined {
    this.#life.catchUp();
    if (refusalOf(this.#life.agent) !== undefined) return undefined;
    this.temporal.historyLength += 2;
    return this.#life.update(() => act(this.#life.agent));
  }

  /** As the Update does it: refused verbs change nothing. */
  verb(verb: OperatorVerb): void {
    this.update(
      (agent) => verbFailure(agent, verb),
      (agent) => onVerb(agent, verb, { by: "ada" }),
    );
  }

  remove(): void {
    this.update(
      (agent) => verbFailure(agent, "remove"),
      (agent) => onVerb(agent, "remove", { by: "ada" }),
    );
  }

  /** Continue-as-new: the state as JSON in a new run, whatever was under way. */
  renew(): void {
    this.#life.catchUp();
    this.#goOn(this.state);
  }

  #goOn(state: AgentState): void {
    this.runs++;
    this.temporal.endRun();
    this.#life = this.#start(JSON.parse(JSON.stringify(state)) as AgentState);
  }

  async pass(ms: number): Promise<void> {
    await this.temporal.advance(ms);
  }

  #start(state: AgentState): Life {
    const life = new Life(state);
    life
      .run((carried) => {
        this.renewedAt.push(this.temporal.historyLength);
        this.#goOn(carried);
        return new Promise(() => undefined);
      })
      .then(() => {
        this.over = true;
      })
      .catch((error: unknown) => {
        this.failure = error;
      });
    return life;
  }

  #answer(name: string, args: unknown): ActivityAnswer {
    if (name === "recordAgent") {
      this.events.push(...(args as AgentRecord).events.filter((e) => e.no > this.#lastNo()));
      return { afterMs: 0 };
    }
    if (name.startsWith("investigateBy")) return this.#investigate(args as { epoch: number });
    if (name === "askBrake") return this.#askBrake();
    if (name === "silence") return { afterMs: 10, value: { heldHere: false } };
    if (name === "claimMaintenance") {
      return { afterMs: this.answerMs, value: { claimed: true, heldBy: [] } };
    }
    if (name === "findDestinations") return { afterMs: this.answerMs, value: [] };
    if (name === "deliver") return { afterMs: 10, value: { written: [], notWritten: [] } };
    return { afterMs: this.answerMs };
  }

  #lastNo(): number {
    return this.events.at(-1)?.no ?? 0;
  }

  #investigate({ epoch }: { readonly epoch: number }): ActivityAnswer {
    const afterMs = this.answerMs;
    const finding = (value: unknown): ActivityAnswer => ({ afterMs, value });
    switch (this.truth) {
      case "Down":
        this.downs.push({ epoch, atMs: this.temporal.nowMs + afterMs });
        return finding({ verdict: "Down", evidence: "asked", proof: "off" } satisfies Finding);
      case "Up":
      case "Unknown":
        return finding({ verdict: this.truth, evidence: "asked" } satisfies Finding);
      case "throws":
        return { afterMs, error: new Error("it broke") };
      case "rubbish":
        return finding("rubbish");
      case "hangs":
        return { afterMs: 12_000, error: new Error("activity timed out") };
    }
  }

  #askBrake(): ActivityAnswer {
    const afterMs = this.answerMs;
    if (this.brake === "away") return { afterMs: 30_000, error: new Error("no database") };
    if (this.brake === "free") this.freed.push({ atMs: this.temporal.nowMs + afterMs });
    const value: BrakeAnswer = { held: this.brake === "held", reason: "as the model says" };
    return { afterMs, value };
  }
}

/** The gateway that holds a session, as the session says. */
export function gatewayOf(epoch: number): GatewayRef {
  return { gatewayId, incarnation: `run-${epoch % 3}` };
}
