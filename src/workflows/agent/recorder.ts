/**
 * Writes an agent's events to the read model, in order, one batch at a time: first as a local activity, which costs one
 * event and no wait for another process; when that fails, as a normal one that is tried until the database is back.
 */
import { isCancellation, log, patched } from "@temporalio/workflow";
import { isQuiet } from "../../lifecycle/disconnect.ts";
import { firstWithin } from "../../lifecycle/first-within.ts";
import { isInMaintenance } from "../../lifecycle/resource-state-table.ts";
import { sizeOf } from "../../lifecycle/size-of.ts";
import type { AgentEvent, AgentRecord } from "../activity-types.ts";
import type { Agent } from "./agent.ts";
import type { Inbound } from "./inbox.ts";
import { maintenanceView } from "./maintenance-view.ts";
import { recordAtOnce, recordWhenPossible } from "./outside.ts";
import type { AgentState } from "./state.ts";

/** What is written at once: an activity's input must stay far below Temporal's 2 MiB. */
const batchMax = { count: 100, bytes: 256 * 1024 };
/** After a failure, how long batches go the slow way at once: each try of the other holds up the workflow task. */
const distrustMs = 60_000;
/** After the slow way failed for good (it is tried for ever unless the activity itself refuses), in milliseconds. */
const pauseMs = 30_000;

export class Recorder {
  readonly #agent: Agent;
  readonly #put: (inbound: Inbound) => void;
  #writing: "no" | "atOnce" | "whenPossible" = "no";

  constructor(agent: Agent, put: (inbound: Inbound) => void) {
    this.#agent = agent;
    this.#put = put;
  }

  /** Whether a local activity runs: its workflow task must not end in continue-as-new. */
  get busy(): boolean {
    return this.#writing === "atOnce";
  }

  /** When a pause after a failure is over; undefined when nothing waits for it. */
  get resumeAtMs(): number | undefined {
    const { unrecorded, recordPausedUntilMs } = this.#agent.state;
    const waits = unrecorded.length > 0 && recordPausedUntilMs > this.#agent.nowMs;
    return waits ? recordPausedUntilMs : undefined;
  }

  /** Begins writing what waits, unless a batch is under way. */
  begin(): void {
    const { state } = this.#agent;
    if (this.#writing !== "no" || state.unrecorded.length === 0) return;
    if (state.recordPausedUntilMs > this.#agent.nowMs) return;
    const record = recordOf(this.#agent);
    const summary = `Events up to ${record.events.at(-1)?.no ?? 0}`;
    const upToNo = record.events.at(-1)?.no;
    const atOnce = state.recordNormallyUntilMs <= this.#agent.nowMs;
    this.#writing = atOnce ? "atOnce" : "whenPossible";
    const way = atOnce ? recordAtOnce(summary) : recordWhenPossible(summary);
    way.recordAgent(record).then(
      () => {
        this.#put({ type: "recorded", upToNo });
      },
      (error: unknown) => {
        if (isCancellation(error)) return;
        log.warn("events not recorded", { way: this.#writing, upToNo, error });
        this.#put({ type: "recorded", upToNo: undefined });
      },
    );
  }

  /** A batch is written up to that event, or was not (undefined) and goes the slow way next. */
  ended(upToNo: number | undefined): void {
    const { state, nowMs } = this.#agent;
    const writing = this.#writing;
    this.#writing = "no";
    if (upToNo === undefined) {
      if (writing === "atOnce") state.recordNormallyUntilMs = nowMs + distrustMs;
      else state.recordPausedUntilMs = nowMs + pauseMs;
      return;
    }
    state.unrecorded = state.unrecorded.filter((event) => event.no > upToNo);
  }
}

/** A loss that nobody expects, as the brake counts it. */
function lossOf({ loss, resourceState }: AgentState): Pick<AgentRecord, "lostAtMs" | "braked"> {
  if (loss === null || isQuiet(resourceState, loss.cause)) return {};
  return { lostAtMs: loss.atMs, braked: loss.braked !== undefined };
}

function batchOf(unrecorded: readonly AgentEvent[]): readonly AgentEvent[] {
  const events = unrecorded.slice(0, batchMax.count);
  const fitting = firstWithin(events, batchMax, sizeOf);
  // Histories from before have as many as there are.
  return fitting.length < events.length && patched("record-in-small-batches") ? fitting : events;
}

function recordOf(agent: Agent): AgentRecord {
  const { state } = agent;
  const { session } = state;
  return {
    agentId: state.agentId,
    status: state.status,
    statusReason: state.statusReason,
    statusSinceMs: state.statusSinceMs,
    resourceState: state.resourceState,
    epoch: state.epoch,
    session: session && { gatewayId: session.gatewayId, incarnation: session.incarnation },
    ...state.own,
    ...lossOf(state),
    ...(isInMaintenance(state.resourceState) && maintenanceView(state)),
    events: batchOf(state.unrecorded),
  };
}
