/** Looks at the fleet, plans, moves a slice, looks again: until the shares are even and what drains is empty. */
import { CancellationScope, log, patched } from "@temporalio/workflow";
import {
  defaultHysteresis,
  planMoves,
  type Hysteresis,
  type Move,
} from "../../lifecycle/balance-plan.ts";
import { isOpen, loadsOf, lookAt, type FleetGateway } from "../../lifecycle/drains.ts";
import { changeDrain } from "./drain-updates.ts";
import { markDraining, readFleet } from "./outside.ts";
import { runSlice } from "./slice.ts";
import type { BalancerState, Round } from "./state.ts";

/** Between two looks while nothing happens: agents come and go, and shares drift. */
const idleLookMs = 600_000;
/** Between two looks while a drain can't go on. */
const stuckLookMs = 10_000;
/** Once a round began, it goes on to the end. */
const goOn: Hysteresis = { agents: 0, part: 0 };

export class Balancing {
  readonly #state: BalancerState;
  #slice: CancellationScope | undefined;
  #beginsAnew = false;

  constructor(state: BalancerState) {
    this.#state = state;
  }

  /** An operator changed something: what is being moved by now is seen through, no more is begun. */
  interrupt(): void {
    this.#slice?.cancel();
  }

  /** A drain begins: what is being moved was planned without it, perhaps to that very gateway. The next look plans anew. */
  beginAnew(): void {
    if (this.#slice === undefined || !patched("drain-begins-anew")) return;
    this.#beginsAnew = true;
    this.interrupt();
  }

  /** One look at the fleet, and one slice of moves if there is anything to move. Gives in how long to look again. */
  async look(): Promise<number> {
    const state = this.#state;
    const fleet = await readFleet();
    state.lastLookAtMs = Date.now();
    this.#noteDrains(fleet);
    await this.#markRows(fleet);
    const moves = this.#plan(fleet);
    if (moves.length === 0) {
      const wasRound = state.round !== null;
      this.#endRound();
      // Gateways that took agents in the round may have to give some: a drain began or was cancelled meanwhile.
      if (wasRound && this.#plan(fleet).length > 0 && patched("round-after-round")) return 0;
      return this.#nobodyTakes() ? stuckLookMs : idleLookMs;
    }
    const round = this.#beginRound();
    round.left = agentsOf(moves);
    const scope = new CancellationScope();
    this.#slice = scope;
    const { moved } = await scope.run(() => runSlice(state, round, fleet, moves));
    this.#slice = undefined;
    round.left = Math.max(0, round.left - moved);
    if (this.#beginsAnew) this.#endRound();
    this.#beginsAnew = false;
    return moved > 0 || scope.consideredCancelled ? 0 : stuckLookMs;
  }

  #plan(fleet: readonly FleetGateway[]): readonly Move[] {
    const { drains, round } = this.#state;
    const hysteresis = round === null ? defaultHysteresis : goOn;
    return planMoves(loadsOf(fleet, drains), hysteresis).filter(
      ({ from }) => round?.takers.includes(from) !== true,
    );
  }

  #noteDrains(fleet: readonly FleetGateway[]): void {
    const nowMs = Date.now();
    for (const drain of this.#state.drains.filter(isOpen)) {
      const { left, event } = lookAt(drain, fleet);
      drain.incarnation ??= fleet.find(({ id }) => id === drain.gatewayId)?.incarnation;
      drain.left = left;
      drain.total = Math.max(drain.total, left + drain.moved);
      if (event !== undefined) changeDrain(drain, event, reasons[event] ?? event, nowMs);
    }
  }

  /** The rows say which gateways take no agents; a gateway that is gone needs no mark. */
  async #markRows(fleet: readonly FleetGateway[]): Promise<void> {
    const state = this.#state;
    const draining = fleet.filter(({ id }) =>
      state.drains.some((drain) => drain.gatewayId === id && isOpen(drain)),
    );
    const marks = draining.map(({ id, incarnation }) => ({ gatewayId: id, incarnation }));
    const isIn = (list: typeof marks, one: (typeof marks)[number]) =>
      list.some(
        (other) => other.gatewayId === one.gatewayId && other.incarnation === one.incarnation,
      );
    const added = marks.filter((mark) => !isIn(state.marked, mark));
    const over = state.marked.filter((mark) => !isIn(marks, mark));
    for (const gateway of added) await markDraining({ gateway, draining: true });
    for (const gateway of over) await markDraining({ gateway, draining: false });
    state.marked = marks;
  }

  /** Something drains, and there is nowhere to go. */
  #nobodyTakes(): boolean {
    const waiting = this.#state.drains.filter(
      ({ state, left }) => state === "draining" && left > 0,
    );
    for (const drain of waiting) {
      drain.movedPerSecond = undefined;
      drain.reason = "no other gateway takes agents";
    }
    return waiting.length > 0;
  }

  #beginRound(): Round {
    const state = this.#state;
    if (state.round === null) log.info("round of moves begins");
    state.round ??= { startedAtMs: Date.now(), moved: 0, failed: 0, left: 0, takers: [] };
    return state.round;
  }

  #endRound(): void {
    const { round } = this.#state;
    if (round === null) return;
    const { startedAtMs, moved, failed } = round;
    log.info("round of moves ended", { moved, failed });
    this.#state.lastRound = { startedAtMs, endedAtMs: Date.now(), moved, failed };
    this.#state.round = null;
  }
}

const reasons: Readonly<Partial<Record<string, string>>> = {
  emptied: "it holds no agents any more",
  filled: "an agent connected to it all the same",
  gone: "it stopped, was lost or started anew",
};

function agentsOf(moves: readonly Move[]): number {
  return moves.reduce((sum, { agents }) => sum + agents, 0);
}
