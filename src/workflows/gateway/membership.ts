/**
 * Whether a gateway is a member of the cluster (DESIGN §8). A run of it is lost when its lease ends, or when a newer run
 * joins; then its row is marked and its agents are told.
 */
import { log } from "@temporalio/workflow";
import { isoTime } from "../../lifecycle/iso-time.ts";
import type { JoinedMessage, LeavingMessage } from "../gateway-messages.ts";
import type { GatewayView } from "../gateway-messages.ts";
import { Lease } from "./lease.ts";
import type { LeaseEnd } from "./lease.ts";
import type { GatewayState } from "./state.ts";

/** A lease that lasted this long was a good one. */
const goodLeaseMs = 10_000;
/** Short leases in a row after which a gateway that takes them up is lost all the same. */
const shortLeasesMax = 3;

export class Membership {
  readonly state: GatewayState;
  readonly #put: (end: { lease: Lease; end: LeaseEnd }) => void;
  #lease: Lease | undefined;

  constructor(state: GatewayState, put: (end: { lease: Lease; end: LeaseEnd }) => void) {
    this.state = state;
    this.#put = put;
  }

  get holdsLease(): boolean {
    return this.#lease !== undefined;
  }

  /** A run of the gateway started, or came back after it was taken to be lost. The newest wins. */
  onJoined(message: JoinedMessage): void {
    const { state } = this;
    const { incarnation } = message;
    const same = state.incarnation === incarnation;
    // The gateway sends joined again when it is not sure; a run that said it leaves doesn't come back.
    if (same && state.membership !== "lost") return;
    if (!same && state.membership === "joined") this.#lose("a newer run of this gateway joined");
    if (!same && state.leftBecause !== null) this.#tellAgents("a newer run of it joined");
    if (same) this.#record("joined", "its lease is held again");
    state.incarnation = incarnation;
    state.leftBecause = null;
    state.shortLeases = 0;
    this.#become("joined", `run ${incarnation}, version ${message.version}`);
    this.#hold("first");
  }

  /** The gateway stops on purpose. Its agents are told when its lease has ended: until then it sends them off itself. */
  onLeaving(message: LeavingMessage): void {
    const { state } = this;
    if (state.incarnation !== message.incarnation || state.membership !== "joined") return;
    state.leftBecause = message.reason;
    this.#become("left", message.reason);
    this.#record("left", message.reason);
    if (this.#lease === undefined) this.#tellAgents(message.reason);
  }

  /** A lease ended. One that broke is offered once more: after an outage of Temporal every lease is broken. */
  onLeaseEnd(lease: Lease, end: LeaseEnd): void {
    if (lease !== this.#lease) return;
    this.#lease = undefined;
    const { state } = this;
    if (state.membership === "left") {
      this.#tellAgents(state.leftBecause ?? "it left");
      return;
    }
    state.shortLeases = Date.now() - lease.startedMs < goodLeaseMs ? state.shortLeases + 1 : 0;
    if (end === "broken" && state.shortLeases < shortLeasesMax) {
      log.warn("lease broken: asked again", { incarnation: lease.incarnation });
      this.#hold("again");
      return;
    }
    this.#lose(reasons[end]);
  }

  /** Takes the lease up again in a new run of the workflow. */
  resume(): void {
    if (this.state.membership === "joined") this.#hold("first");
    else if (this.state.membership === "left" && this.state.leftBecause !== null) {
      this.#tellAgents(this.state.leftBecause);
    }
  }

  view(): GatewayView {
    const { gatewayId, membership, incarnation, sinceMs } = this.state;
    return {
      gatewayId,
      state: membership,
      ...(incarnation !== null && { incarnation }),
      since: isoTime(sinceMs),
    };
  }

  /** The gateway at a glance, as Markdown for the Temporal UI. */
  describe(): string {
    const { gatewayId, membership, incarnation, sinceMs, reason, duties } = this.state;
    return [
      `## ${gatewayId}: ${membership}`,
      "",
      `- **Why**: ${reason}`,
      `- **Since**: ${isoTime(sinceMs)}`,
      `- **Run**: ${incarnation ?? "none"}`,
      `- **To be told**: ${duties.length}`,
    ].join("\n");
  }

  #hold(takeUpWithin: "first" | "again"): void {
    const { incarnation, gatewayId } = this.state;
    if (incarnation === null) return;
    const lease = new Lease(incarnation, Date.now());
    this.#lease = lease;
    lease.hold(gatewayId, takeUpWithin, (end) => {
      this.#put({ lease, end });
    });
  }

  #lose(reason: string): void {
    this.#become("lost", reason);
    this.#record("lost", reason);
    this.#tellAgents(reason);
  }

  #become(membership: GatewayState["membership"], reason: string): void {
    const { state } = this;
    log.info("gateway membership changed", { from: state.membership, to: membership, reason });
    state.membership = membership;
    state.reason = reason;
    state.sinceMs = Date.now();
  }

  #record(to: "joined" | "lost" | "left", reason: string): void {
    const gateway = this.#ref();
    if (gateway !== undefined)
      this.state.duties.push({ type: "record", gateway, state: to, reason });
  }

  /** Tells the agents of the current run, once, and lets go of its lease. */
  #tellAgents(reason: string): void {
    const gateway = this.#ref();
    this.state.leftBecause = null;
    this.#lease?.release();
    this.#lease = undefined;
    if (gateway !== undefined) this.state.duties.push({ type: "tellAgents", gateway, reason });
  }

  #ref() {
    const { gatewayId, incarnation } = this.state;
    return incarnation === null ? undefined : { gatewayId, incarnation };
  }
}

const reasons: Readonly<Record<LeaseEnd, string>> = {
  notTaken: "it does not take up its lease",
  givenBack: "it gave its lease back",
  broken: "it does not heartbeat its lease",
};
