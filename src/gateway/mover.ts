/**
 * Has agents move to other gateways (DESIGN §8): asks each, at a rate, and hears whether it did. An agent ends its old
 * session by itself once the new one is open, so nothing is interrupted; one that can't go stays.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { clusterKey } from "../lifecycle/balance-plan.ts";
import type { Log } from "../telemetry/log.ts";
import { closeCodes } from "../wire/limits.ts";
import type { MoveAgentsArgs, MovedAgents } from "../workflows/activity-types.ts";
import type { DirectAgents } from "./direct-agents/keeper.ts";
import { MovePacer } from "./move-pacer.ts";
import type { RecordedSessions } from "./recorded-sessions.ts";
import type { Session } from "./session.ts";
import { askSessionCommand } from "./session-requests.ts";
import type { Sessions } from "./sessions.ts";

/** How long an agent may take to open its new session: it dials, shakes hands, and waits its turn there. */
const moveMsMax = 20_000;
const beatEveryMs = 2_000;
/** An agent that could not move is left alone for so long, twice as long each time: mostly the other one was just busy. */
const failedRestMs = { first: 2_000, most: 30_000 };
/** How long a lifecycle may take to take the new session up, before the next agent moves all the same. */
const recordedMsMax = 3_000;
/** So far a drain that was held up may run ahead of its rate, to make up for it. */
const catchUpMsMax = 250;

export interface MoverParts {
  readonly sessions: Sessions;
  /** Those of this gateway change their owner instead of moving. */
  readonly directAgents: Pick<DirectAgents, "owns" | "handOver">;
  /** Of the agent's sessions anywhere, as the routing table has it. */
  readonly newestEpoch: (agentId: string) => Promise<number | undefined>;
  readonly recorded: Pick<RecordedSessions, "untilAfter">;
  readonly log: Log;
  readonly nowMs: () => number;
}

type MoveTarget = Pick<MoveAgentsArgs["moves"][number], "to" | "agentUrl">;

export class Mover {
  readonly #parts: MoverParts;
  readonly #moving = new Set<Session>();
  readonly #failed = new WeakMap<Session, { readonly atMs: number; readonly restMs: number }>();
  readonly #pacer: MovePacer;

  constructor(parts: MoverParts) {
    this.#parts = parts;
    this.#pacer = new MovePacer(parts.nowMs);
  }

  /**
   * Carries moves out until all are made, the time is over, or `signal` aborts; those that have begun are waited for.
   * As many are under way at once as go through without a queue that Commands would have to stand in.
   * @param beat called now and then.
   * @param moveMs how long one agent may take.
   */
  async move(
    { moves, agentsPerSecond, forMs }: Omit<MoveAgentsArgs, "incarnation">,
    signal: AbortSignal,
    beat: () => void,
    moveMs = moveMsMax,
  ): Promise<MovedAgents> {
    const result = { moved: 0, failed: 0 };
    const { nowMs } = this.#parts;
    const overMs = nowMs() + forMs;
    const underWay = new Set<Promise<void>>();
    const beats = setInterval(beat, beatEveryMs);
    let dueMs = nowMs();
    for (const [session, to] of this.#pick(moves)) {
      const restMs = dueMs - nowMs();
      if (dueMs > overMs) break;
      if (restMs > 0) await sleep(restMs, undefined, { signal }).catch(() => undefined);
      await this.#pacer.untilFree();
      if (signal.aborted || nowMs() > overMs) break;
      dueMs = Math.max(dueMs, nowMs() - catchUpMsMax) + 1_000 / agentsPerSecond;
      const move = this.#moveInPace(session, to, moveMs).then((moved) => {
        underWay.delete(move);
        if (moved) result.moved++;
        else result.failed++;
      });
      underWay.add(move);
    }
    await Promise.all(underWay);
    clearInterval(beats);
    return result;
  }

  /** Whether it moved. The next one need not wait for it once its lifecycle has taken the new session up. */
  async #moveInPace(session: Session, to: MoveTarget, moveMs: number): Promise<boolean> {
    const { recorded, directAgents } = this.#parts;
    const { agentId, epoch } = session;
    // It waits for its Commands and for the next owner, and keeps nobody busy meanwhile.
    if (directAgents.owns(agentId)) return await this.#moveOne(session, to, moveMs);
    const over = this.#pacer.begin();
    const moved = await this.#moveOne(session, to, moveMs);
    if (moved) await recorded.untilAfter(agentId, epoch, recordedMsMax);
    over(moved);
    return moved;
  }

  /** Open sessions of the clusters that the moves name, so many of each; none that moves already or just failed to. */
  *#pick(moves: MoveAgentsArgs["moves"]): Iterable<readonly [Session, MoveTarget]> {
    const { sessions, nowMs } = this.#parts;
    const left = moves.map((move) => ({ ...move }));
    for (const session of [...sessions]) {
      if (!session.takesCommands || this.#moving.has(session)) continue;
      const failed = this.#failed.get(session);
      if (failed !== undefined && nowMs() - failed.atMs < failed.restMs) continue;
      const { zone, cluster } = session.host;
      const key = clusterKey(zone, cluster);
      const move = left.find((one) => one.agents > 0 && one.cluster === key);
      if (move === undefined) continue;
      move.agents--;
      yield [session, move];
    }
  }

  async #moveOne(session: Session, target: MoveTarget, moveMs: number): Promise<boolean> {
    const { log, nowMs, directAgents } = this.#parts;
    const { agentId, epoch } = session;
    this.#moving.add(session);
    try {
      const why = directAgents.owns(agentId)
        ? await directAgents.handOver(session, target.to)
        : await this.#askToMove(session, target.agentUrl, moveMs);
      if (why === undefined) return true;
      const { restMs = failedRestMs.first / 2 } = this.#failed.get(session) ?? {};
      const nextRestMs = Math.min(2 * restMs, failedRestMs.most);
      this.#failed.set(session, { atMs: nowMs(), restMs: nextRestMs });
      log.info({ agentId, epoch, to: target.to, why }, "an agent could not move and stays");
      await this.#endIfSuperseded(session);
      return false;
    } finally {
      this.#moving.delete(session);
    }
  }

  /** The other gateway failed after it had taken an epoch: the newest epoch counts, so this session does no more. */
  async #endIfSuperseded(session: Session): Promise<void> {
    const { sessions, newestEpoch } = this.#parts;
    const { agentId, epoch, socket } = session;
    const newest = await newestEpoch(agentId).catch(() => undefined);
    if (newest === undefined || newest <= epoch || sessions.find(agentId) !== session) return;
    session.farewell ??= "unreported";
    socket.end(closeCodes.reconnect, {
      code: "SUPERSEDED",
      message: `Session ${newest} was begun and did not open: connect again.`,
    });
  }

  /** Undefined once the agent is there, else why it is not. */
  async #askToMove(session: Session, url: string, moveMs: number): Promise<string | undefined> {
    const command = { type: "Move", url, details: "The agents are spread anew." };
    const answer = await askSessionCommand(session, command, moveMs);
    // Its end, too, says that it went: the Answer may have been lost with the socket.
    if (answer?.result === true || this.#parts.sessions.find(session.agentId) !== session) {
      // Commands go to its new gateway from now on, and nobody need hear of the old socket's end.
      session.farewell ??= "unreported";
      return undefined;
    }
    return answer?.details ?? "it did not answer";
  }
}
