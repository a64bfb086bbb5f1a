import type { Config } from "../config/index.ts";
import type { Db } from "../db/index.ts";
import type { Log } from "../telemetry/log.ts";
import type { AgentPort } from "./agent-port.ts";
import type { DirectAgents } from "./direct-agents/keeper.ts";
import type { DirectLane } from "./direct-lane.ts";
import type { DurableLane } from "./durable-lane.ts";
import type { GatewaySelf } from "./gateway-self.ts";
import type { GatewayHooks } from "./hooks/gateway-hooks.ts";
import type { Inventory } from "./inventory.ts";
import type { JudgingClock } from "./judging-clock.ts";
import type { GatewayMetrics } from "./metrics.ts";
import type { Mover } from "./mover.ts";
import type { ProgressRelay } from "./progress-relay.ts";
import type { Refusals } from "./refusals.ts";
import type { Relay } from "./relay.ts";
import type { Sessions } from "./sessions.ts";
import type { SignalOutbox } from "./signal-outbox.ts";

/** What the handlers of socket events share. */
export interface GatewayParts {
  readonly config: Config;
  readonly log: Log;
  readonly db: Db;
  readonly self: GatewaySelf;
  readonly clock: JudgingClock;
  readonly port: AgentPort;
  readonly outbox: SignalOutbox;
  readonly sessions: Sessions;
  readonly relay: Relay;
  readonly refusals: Refusals;
  readonly inventory: Inventory;
  readonly direct: DirectLane;
  readonly durable: DurableLane;
  readonly progress: ProgressRelay;
  readonly hooks: GatewayHooks;
  readonly mover: Mover;
  readonly directAgents: DirectAgents;
  readonly metrics: GatewayMetrics;
  /** Writes under way that nobody waits for, to be waited for when the gateway stops. */
  readonly loose: Set<Promise<void>>;
  readonly tally: { pings: number; answers: number };
  /** What keeps the gateway from taking agents, in words; empty when nothing does. */
  readonly unreadyReasons: () => readonly string[];
  /** WebSocket URLs of all gateways, this one first. */
  readonly gatewayUrls: () => readonly string[];
  /** This gateway is being emptied, and agents could go elsewhere: it takes none. */
  readonly sendsAgentsAway: () => boolean;
  /** What this gateway knows of its own standing is too old to take agents on, where others could. */
  readonly isInDoubt: () => boolean;
  /** It stood still, and does not know yet whether it was given up meanwhile. */
  readonly isWaking: () => boolean;
}
