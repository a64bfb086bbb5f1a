/**
 * The main loop of an agent's lifecycle. Handlers put messages into the inbox; the loop takes them out in order, lets the
 * rules decide, begins the jobs that follow and sleeps until the next message or deadline.
 */
import { ApplicationFailure, TemporalFailure } from "@temporalio/common";
import {
  allHandlersFinished,
  condition,
  log,
  setCurrentDetails,
  workflowInfo,
} from "@temporalio/workflow";
import { nextWakeMs } from "../../lifecycle/deadlines.ts";
import { nextExpiryMs } from "../../lifecycle/mailbox.ts";
import { forgetOld, noteEarlierForgetting } from "../../lifecycle/mailbox-memory.ts";
import { Agent } from "./agent.ts";
import { carry } from "./carry.ts";
import { describe } from "./details.ts";
import { driveMaintenance, maintenanceWakeMs, onMaintenanceJob } from "./evacuate.ts";
import { untoldSeqs } from "./errands.ts";
import type { Inbound } from "./inbox.ts";
import { alertIfWaitedTooLong, onFinding, onInvestigated } from "./investigate.ts";
import { Jobs } from "./jobs.ts";
import { onConnected } from "./on-connected.ts";
import { onDelivered } from "./on-delivered.ts";
import { onDisconnect, onGatewayLost } from "./on-disconnect.ts";
import { onErrandDone } from "./on-errand-done.ts";
import { onPing } from "./on-ping.ts";
import { onRefused } from "./on-refused.ts";
import { onSilenceAnswered } from "./on-silence.ts";
import { onVerb, verbFailure } from "./operator-verbs.ts";
import { Recorder } from "./recorder.ts";
import { driveRecurring, recurringWakeMs } from "./recurring.ts";
import { expireRequests, onAnswer, onProgress, onUndelivered } from "./requests.ts";
import { showInSearch } from "./search-attributes.ts";
import type { AgentState } from "./state.ts";
import { Wake } from "./wake.ts";

/**
 * Continue-as-new from this many events on, as soon as nothing runs that would have to be begun again. Well below the
 * 1,000 that a run may have: signals that arrive in the meantime make Temporal refuse it, and it is tried again.
 */
const renewEvents = 500;
/** From here on it is not waited for running jobs any more. */
const renewEventsAtLatest = 700;
/** How long after an Update a renewal is tried again, in milliseconds. */
const renewalPauseMs = 200;
/** How long a renewal waits for Answers that the agent may be about to give, in milliseconds. */
const renewalPatienceMs = 1_000;

export class Life {
  readonly agent: Agent;
  readonly #inbox: Inbound[] = [];
  readonly #jobs: Jobs;
  readonly #recorder: Recorder;
  readonly #wake = new Wake();
  /** Set when something was read from the inbox, so that the loop looks at what follows from it. */
  #read = false;
  /** Set when an Update was accepted, for the same reason. */
  #updated = false;
  /** An operator wants a new run. */
  #renewalAsked = false;
  /** Since when a renewal is due. */
  #renewalDueMs: number | undefined;

  constructor(state: AgentState) {
    this.agent = new Agent(state);
    noteEarlierForgetting(state.mailbox, this.agent.nowMs);
    const put = (inbound: Inbound) => {
      this.put(inbound);
    };
    this.#jobs = new Jobs(this.agent, put);
    this.#recorder = new Recorder(this.agent, put);
  }

  /** For handlers: the message is acted on by the main loop, in order. */
  put(inbound: Inbound): void {
    this.#inbox.push(inbound);
  }

  /** For the signal that asks for a new run. */
  renew(): void {
    this.#renewalAsked = true;
    this.#read = true;
  }

  /** For Updates, whose result is wanted at once: acts on what came before, then on the Update itself. */
  update<T>(act: () => T): T {
    this.#updated = true;
    this.#readInbox();
    try {
      return act();
    } catch (error) {
      if (error instanceof TemporalFailure) throw error;
      // Anything else would fail the workflow task, which is tried for ever and blocks all that comes after.
      log.error("update failed", { error });
      const message = `The lifecycle could not act on it: ${String(error)}`;
      throw ApplicationFailure.create({ type: "INTERNAL", message, nonRetryable: true });
    }
  }

  /**
   * For validators: acts on what came before, so that they judge by the newest state. Only the loop begins anything in
   * the outside world, so a replay, which runs no validators, comes to the same commands. A verb may ask for a patch, whose
   * marker would stand before the Update here and behind it in a replay: it is left to the handler, with all behind it.
   */
  catchUp(): void {
    this.#readInbox(({ type }) => type !== "operator");
  }

  /** Runs until the agent is removed; ends in `continueAsNew` when the history has grown. */
  async run(continueAsNew: (state: AgentState) => Promise<never>): Promise<void> {
    for (;;) {
      const updated = this.#updated;
      this.#updated = false;
      this.#wake.rang = false;
      this.#readInbox();
      this.#read = false;
      this.#meetDeadlines();
      const renew = this.#mustRenew();
      this.#jobs.stopPointless();
      if (!renew) {
        this.#jobs.beginDue();
        this.#recorder.begin();
      }
      this.#show();
      if (this.#isOver()) return;
      if (renew && this.#mayRenew(updated)) {
        await condition(allHandlersFinished);
        if (this.#inbox.length === 0) await continueAsNew(this.#carried());
        continue;
      }
      this.#wake.arm(renew ? this.#renewalWakeMs(updated) : this.#nextWakeMs(), this.agent.nowMs);
      await condition(
        () => this.#inbox.length > 0 || this.#read || this.#updated || this.#wake.rang,
      );
    }
  }

  /** @param goesOn whether to act on the next message; what is left stays in the inbox. */
  #readInbox(goesOn: (next: Inbound) => boolean = () => true): void {
    for (let inbound = this.#inbox[0]; inbound && goesOn(inbound); inbound = this.#inbox[0]) {
      this.#inbox.shift();
      this.#read = true;
      try {
        if (this.#jobs.ended(inbound)) this.#act(inbound);
      } catch (error) {
        // A message must never fail the workflow task: it would be tried for ever and block all others.
        log.error("message dropped: acting on it failed", { type: inbound.type, error });
      }
    }
  }

  #act(inbound: Inbound): void {
    const { agent } = this;
    switch (inbound.type) {
      case "connected":
        onConnected(agent, inbound.message);
        return;
      case "ping":
        onPing(agent, inbound.message);
        return;
      case "answer":
        onAnswer(agent, inbound.message);
        return;
      case "progress":
        onProgress(agent, inbound.message);
        return;
      case "undelivered":
        onUndelivered(agent, inbound.message);
        return;
      case "disconnect":
        onDisconnect(agent, inbound.message);
        return;
      case "refused":
        onRefused(agent, inbound.message);
        return;
      case "gatewayLost":
        onGatewayLost(agent, inbound.message);
        return;
      case "operator": {
        const failure = verbFailure(agent, inbound.verb);
        if (failure === undefined) onVerb(agent, inbound.verb, inbound.message);
        else agent.note("refused", `${inbound.verb} refused: ${failure.message}`);
        return;
      }
      case "unreadable":
        log.warn("signal ignored", { signal: inbound.signal, reason: inbound.reason });
        agent.note("messageIgnored", `Signal ${inbound.signal} ignored: ${inbound.reason}`);
        return;
      case "silenceAnswered":
        onSilenceAnswered(agent, inbound);
        return;
      case "delivered":
        onDelivered(agent, inbound);
        return;
      case "finding":
        onFinding(agent, inbound.finding, inbound.tookMs, inbound.isFirst);
        return;
      case "investigated":
        onInvestigated(agent, inbound.findings, inbound.brake);
        return;
      case "errandDone":
        onErrandDone(agent, inbound);
        return;
      case "maintenanceJobEnded":
        onMaintenanceJob(agent, inbound);
        return;
      case "recorded":
        this.#recorder.ended(inbound.upToNo);
        return;
    }
  }

  #meetDeadlines(): void {
    const { agent } = this;
    expireRequests(agent);
    alertIfWaitedTooLong(agent);
    driveMaintenance(agent);
    driveRecurring(agent);
    const { mailbox, errands } = agent.state;
    forgetOld(mailbox, agent.nowMs, () => untoldSeqs(errands));
  }

  #nextWakeMs(): number | undefined {
    const { state } = this.agent;
    return nextWakeMs([
      this.#jobs.asking ? undefined : (state.pingDeadlineMs ?? undefined),
      nextExpiryMs(state.mailbox),
      this.#jobs.investigating ? undefined : state.loss?.investigateAtMs,
      state.loss?.alertAtMs,
      this.#jobs.deliverAtMs,
      this.#recorder.resumeAtMs,
      maintenanceWakeMs(state),
      recurringWakeMs(state),
    ]);
  }

  #mustRenew(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    const must = historyLength >= renewEvents || continueAsNewSuggested || this.#renewalAsked;
    if (must) this.#renewalDueMs ??= this.agent.nowMs;
    return must;
  }

  /**
   * A signal that arrives now makes Temporal refuse the renewal and fail the workflow task, and with it every Update that
   * came with the task: so one without Updates is waited for, too. What follows is a replay of the whole history, which
   * holds up other agents as well: so a moment is waited for, not long, when no Answer can be on its way.
   */
  #mayRenew(updated: boolean): boolean {
    if (this.#recorder.busy || this.#inbox.length > 0) return false;
    if (workflowInfo().historyLength >= renewEventsAtLatest) return true;
    return this.#jobs.idle && !updated && (this.#patienceMs <= 0 || !this.#awaitsAnswers());
  }

  /** Whether the agent was given a Request that it has not answered. */
  #awaitsAnswers(): boolean {
    return this.agent.state.mailbox.pending.some(({ handedEpochs }) => handedEpochs.length > 0);
  }

  /** How much longer a renewal that is due waits for Answers. */
  get #patienceMs(): number {
    const { nowMs } = this.agent;
    return (this.#renewalDueMs ?? nowMs) + renewalPatienceMs - nowMs;
  }

  /**
   * Before a renewal nothing new is begun, so deadlines may pass; what still runs wakes the loop when it ends. When only
   * an Update or open Requests held the renewal back, nothing else might come for a long time.
   */
  #renewalWakeMs(updated: boolean): number | undefined {
    const waitsForJob = this.#recorder.busy || !this.#jobs.idle;
    if (waitsForJob) return undefined;
    return this.agent.nowMs + (updated ? renewalPauseMs : Math.max(1, this.#patienceMs));
  }

  /** The state for the next run, which begins anew what was under way. */
  #carried(): AgentState {
    const { state } = this.agent;
    state.redeliver = [...state.redeliver, ...this.#jobs.delivering];
    return carry(state, this.agent.nowMs);
  }

  /** Removed, and everybody who had to be told has been. */
  #isOver(): boolean {
    const { status, errands, unrecorded, slotHeld } = this.agent.state;
    if (slotHeld === true) return false;
    return status === "Removed" && errands.length === 0 && unrecorded.length === 0;
  }

  #show(): void {
    showInSearch(this.agent.state);
    setCurrentDetails(describe(this.agent.state));
  }
}
