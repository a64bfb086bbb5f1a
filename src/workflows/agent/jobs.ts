/**
 * What the lifecycle asks of the outside world, running beside the main loop. Nothing here changes the state: each job
 * puts what it came to into the inbox. A job cut short by continue-as-new is begun again by the next run.
 */
import { ActivityFailure, TimeoutFailure, TimeoutType } from "@temporalio/common";
import { CancellationScope, log, patched } from "@temporalio/workflow";
import {
  dueForDelivery,
  firstBatch,
  markHanded,
  toDeliver,
} from "../../lifecycle/mailbox-delivery.ts";
import type { PendingRequest } from "../../lifecycle/mailbox-types.ts";
import type { BrakeAnswer, InvestigatorFinding } from "../../lifecycle/disconnect-types.ts";
import type { Agent } from "./agent.ts";
import { askBrake } from "./brake.ts";
import { ErrandJobs } from "./errand-jobs.ts";
import type { Inbound } from "./inbox.ts";
import { investigationIsDue } from "./investigate.ts";
import { investigators, type Investigator } from "./investigators.ts";
import { MaintenanceJobs } from "./maintenance-jobs.ts";
import { silenceIsDue } from "./on-silence.ts";
import { askForSilence, handOver } from "./outside.ts";
import type { Session } from "./state.ts";

export class Jobs {
  readonly #agent: Agent;
  readonly #put: (inbound: Inbound) => void;
  /** Epochs of the session that is being asked about silence, and of the one that is being given Requests. */
  #asking: number | undefined;
  #delivering: { readonly epoch: number; readonly seqs: readonly number[] } | undefined;
  readonly #errands: ErrandJobs;
  #investigation:
    | { readonly round: number; readonly epoch: number; readonly scope: CancellationScope }
    | undefined;
  #round = 0;
  readonly #maintenance: MaintenanceJobs;

  constructor(agent: Agent, put: (inbound: Inbound) => void) {
    this.#agent = agent;
    this.#put = put;
    this.#errands = new ErrandJobs(agent, put);
    this.#maintenance = new MaintenanceJobs(agent, put);
  }

  /** Whether nothing runs that would have to be begun again by another run. */
  get idle(): boolean {
    return (
      this.#asking === undefined &&
      this.#delivering === undefined &&
      this.#errands.idle &&
      this.#investigation === undefined &&
      this.#maintenance.idle
    );
  }

  /** Requests that are on their way to the gateway. */
  get delivering(): readonly number[] {
    return this.#delivering?.seqs ?? [];
  }

  /** When Requests are handed over again; undefined when none wait for it. */
  get deliverAtMs(): number | undefined {
    const { deliverAgainAtMs } = this.#agent.state;
    const waits = !this.#deliveringNow && this.#toHandOver().length > 0;
    return waits ? (deliverAgainAtMs ?? undefined) : undefined;
  }

  get investigating(): boolean {
    return this.#investigation !== undefined;
  }

  /** Whether the gateway of the current session is being asked about silence. */
  get asking(): boolean {
    return this.#asking !== undefined && this.#asking === this.#agent.state.session?.epoch;
  }

  /** Whether the current session is being given Requests; an older one's hand-over holds up nobody. */
  get #deliveringNow(): boolean {
    const { session } = this.#agent.state;
    return this.#delivering !== undefined && this.#delivering.epoch === session?.epoch;
  }

  /** Ends what a new session, or the administrator, has made pointless. */
  stopPointless(): void {
    this.#maintenance.stopPointless();
    const { loss, epoch } = this.#agent.state;
    if (this.#investigation === undefined) return;
    if (loss?.investigateAtMs !== undefined && this.#investigation.epoch === epoch) return;
    const { scope } = this.#investigation;
    this.#investigation = undefined;
    scope.cancel();
  }

  /** Begins everything that is due and not under way. */
  beginDue(): void {
    const { session } = this.#agent.state;
    if (session !== null) {
      if (!this.asking && silenceIsDue(this.#agent)) this.#askForSilence(session);
      if (!this.#deliveringNow && this.#deliveryIsDue()) this.#deliver(session);
    }
    this.#errands.beginDue();
    this.#maintenance.beginDue();
    if (this.#investigation === undefined && investigationIsDue(this.#agent)) this.#investigate();
  }

  /**
   * Notes the end of a job, by what it put into the inbox.
   * @returns false when nobody waits for it any more: an investigation that was stopped.
   */
  ended(inbound: Inbound): boolean {
    switch (inbound.type) {
      case "silenceAnswered":
        if (this.#asking === inbound.epoch) this.#asking = undefined;
        return true;
      case "delivered":
        if (this.#delivering?.epoch === inbound.epoch) this.#delivering = undefined;
        return true;
      case "errandDone":
        this.#errands.ended(inbound.no);
        return true;
      case "maintenanceJobEnded":
        this.#maintenance.ended();
        return true;
      case "finding":
        return this.#isCurrent(inbound.round);
      case "investigated": {
        const current = this.#isCurrent(inbound.round);
        if (this.#investigation?.round === inbound.round) this.#investigation = undefined;
        return current;
      }
      case "connected":
      case "ping":
      case "answer":
      case "progress":
      case "undelivered":
      case "disconnect":
      case "refused":
      case "gatewayLost":
      case "operator":
      case "unreadable":
      case "recorded":
        return true;
    }
  }

  /** Whether that round looks into the loss of today: a new session may have come in the same breath. */
  #isCurrent(round: number): boolean {
    const { loss, epoch } = this.#agent.state;
    return (
      loss !== null && this.#investigation?.round === round && this.#investigation.epoch === epoch
    );
  }

  #askForSilence(session: Session): void {
    const { agentId } = this.#agent.state;
    const { epoch, gatewayId } = session;
    this.#asking = epoch;
    const { silence } = askForSilence(gatewayId, `Silent for gateway ${gatewayId} too?`);
    silence({ agentId, epoch }).then(
      (answer) => {
        this.#put({ type: "silenceAnswered", epoch, answer });
      },
      (error: unknown) => {
        log.warn("gateway did not say whether the agent is silent", { gatewayId, error });
        this.#put({ type: "silenceAnswered", epoch });
      },
    );
  }

  #deliveryIsDue(): boolean {
    const { deliverAgainAtMs } = this.#agent.state;
    if (deliverAgainAtMs !== null && deliverAgainAtMs > this.#agent.nowMs) return false;
    return this.#toHandOver().length > 0;
  }

  /** Requests that the current session's gateway must be given, in order. */
  #toHandOver(): readonly PendingRequest[] {
    const { mailbox, session, redeliver } = this.#agent.state;
    return session === null ? [] : dueForDelivery(mailbox, session.epoch, redeliver);
  }

  #deliver(session: Session): void {
    const { state } = this.#agent;
    const { epoch, gatewayId } = session;
    const due = this.#toHandOver();
    const first = firstBatch(due);
    // Histories from before have all of them in one.
    const batch = first.length < due.length && patched("deliver-in-batches") ? first : due;
    const requests = toDeliver(state.mailbox, batch, this.#agent.nowMs);
    for (const request of batch) markHanded(request, epoch);
    const seqs = batch.map((request) => request.seq);
    state.redeliver = state.redeliver.filter((seq) => !seqs.includes(seq));
    state.deliverAgainAtMs = null;
    this.#delivering = { epoch, seqs };
    const done = (notWritten: readonly number[], failure?: string) => {
      this.#put({
        type: "delivered",
        epoch,
        seqs,
        notWritten,
        ...(failure !== undefined && { failure }),
      });
    };
    const { deliver } = handOver(gatewayId, `Requests ${seqs.slice(0, 20).join(", ")}`);
    deliver({ agentId: state.agentId, epoch, requests }).then(
      (result) => {
        done(result.notWritten);
      },
      (error: unknown) => {
        done(neverStarted(error) ? seqs : [], String(error));
      },
    );
  }

  #investigate(): void {
    const round = ++this.#round;
    const scope = new CancellationScope();
    this.#investigation = { round, epoch: this.#agent.state.epoch, scope };
    const asked = investigators(this.#agent.state);
    scope
      .run(() => this.#askInTurn(round, asked))
      .then(
        (found) => {
          this.#put({ type: "investigated", round, ...found });
        },
        (error: unknown) => {
          // Only the scope's own cancellation gets here: the Investigators' failures are findings.
          log.info("investigation ended early", { round, error });
        },
      );
  }

  async #askInTurn(
    round: number,
    asked: readonly Investigator[],
  ): Promise<{ readonly findings: readonly InvestigatorFinding[]; readonly brake?: BrakeAnswer }> {
    const findings: InvestigatorFinding[] = [];
    for (const investigator of asked) {
      const startedMs = this.#agent.nowMs;
      const finding = await investigator.ask();
      if (CancellationScope.current().consideredCancelled) break;
      findings.push(finding);
      const tookMs = this.#agent.nowMs - startedMs;
      this.#put({ type: "finding", round, finding, tookMs, isFirst: findings.length === 1 });
      if (finding.verdict === "Down") return { findings, brake: await askBrake(this.#agent.state) };
      if (finding.verdict === "Up") break;
    }
    return { findings };
  }
}

/** Whether an activity certainly never began: nobody took it from the queue in time. */
function neverStarted(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === TimeoutType.SCHEDULE_TO_START
  );
}
