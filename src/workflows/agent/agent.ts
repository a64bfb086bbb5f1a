/**
 * One agent's state and the gates through which it changes: Status and ResourceState move only here, by their tables, with
 * a log line and an event for each move.
 */
import { log } from "@temporalio/workflow";
import type { ResourceState, ResourceStateEvent, StatusEvent } from "../../api/index.ts";
import { clip } from "../../lifecycle/clip.ts";
import type { DisconnectRule } from "../../lifecycle/disconnect-rules.ts";
import { nextResourceState } from "../../lifecycle/resource-state-table.ts";
import { nextStatus } from "../../lifecycle/status-table.ts";
import type { AgentEventType } from "../activity-types.ts";
import type { Errand } from "./errands.ts";
import type { AgentState } from "./state.ts";

/** Events kept while the read model is away: newer ones push the oldest out. */
const unrecordedMax = 500;
/** How long an errand is worth doing, in milliseconds: callers have given up by then. A recovery never grows old. */
const errandWorthMs = 60_000;
const textCharsMax = 500;

export class Agent {
  readonly state: AgentState;

  constructor(state: AgentState) {
    this.state = state;
  }

  /** Time of the current workflow task, the same on replay. */
  get nowMs(): number {
    return Date.now();
  }

  /**
   * Moves the Status by events, in order; one that the table refuses is logged and skipped.
   * Called by `disconnect.ts` and `regain.ts` alone.
   * @returns whether the last event was accepted.
   */
  moveStatus(events: readonly StatusEvent[], reason: string, rule?: DisconnectRule): boolean {
    const { state } = this;
    const from = state.status;
    let accepted = true;
    for (const event of events) {
      const to = nextStatus(state.status, event);
      accepted = to !== undefined;
      if (to === undefined) {
        log.warn("status event refused", { status: state.status, event, reason });
        this.note("refused", `Status ${state.status} does not take ${event}: ${reason}`, { event });
        continue;
      }
      state.status = to;
    }
    if (accepted) state.statusReason = clip(reason, textCharsMax);
    if (state.status !== from) {
      log.info("status changed", { from, to: state.status, events, rule, reason });
      state.statusSinceMs = this.nowMs;
      const data = { from, to: state.status, ...(rule !== undefined && { rule }) };
      this.note("status", `${from} → ${state.status}: ${reason}`, data);
    }
    return accepted;
  }

  /** Moves the ResourceState by an event that the caller knows to be accepted; refusals are logged. */
  moveResourceState(event: ResourceStateEvent, reason: string): ResourceState {
    const { state } = this;
    const to = nextResourceState(state.resourceState, event, state.unmanagedFrom);
    const from = state.resourceState;
    if (to === undefined) {
      log.warn("resource state event refused", { resourceState: from, event, reason });
      return from;
    }
    if (to !== from) {
      log.info("resource state changed", { from, to, event, reason });
      state.resourceState = to;
      if (to === "Unmanaged") state.unmanagedFrom = from;
      this.note("resourceState", `${from} → ${to}: ${reason}`, { from, to, event });
    }
    return to;
  }

  /** Appends one event to the agent's history; written to the read model later. */
  note(type: AgentEventType, text: string, data?: Readonly<Record<string, unknown>>): void {
    const { state } = this;
    state.eventNo += 1;
    state.unrecorded.push({
      no: state.eventNo,
      atMs: this.nowMs,
      epoch: state.epoch,
      type,
      text: clip(text, textCharsMax),
      ...(data !== undefined && { data }),
    });
    if (state.unrecorded.length > unrecordedMax) {
      const dropped = state.unrecorded.shift();
      log.error("event dropped: the read model has been away for too long", { event: dropped });
    }
  }

  /** Queues a small job for the outside world. */
  send(errand: Errand): void {
    this.state.errandNo += 1;
    this.state.errands.push({
      no: this.state.errandNo,
      notAfterMs: errand.type === "recover" ? Number.MAX_SAFE_INTEGER : this.nowMs + errandWorthMs,
      errand,
    });
  }
}
