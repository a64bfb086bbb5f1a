import { describe, expect, it } from "vitest";
import { Relay, type RelayedSession } from "../../../src/gateway/relay.ts";
import type { PingMessage } from "../../../src/workflows/agent-messages.ts";

const settings = {
  pingIntervalMs: 60_000,
  pingTimeoutMultiplier: 2.5,
  reconnectGraceMs: 0,
  alertWaitMs: 0,
  investigateRetryMs: 0,
};

class Fleet {
  nowMs = 0;
  leased = true;
  fails = false;
  readonly sent: { agentId: string; atMs: number; message: PingMessage }[] = [];
  readonly failed: string[] = [];
  readonly sessions: RelayedSession[] = [];
  readonly relay: Relay;

  constructor(agents: number, budgetPerSecond: number) {
    this.relay = new Relay({
      budgetPerSecond,
      now: () => this.nowMs,
      agents: () => this.sessions.length,
      mayVouch: () => this.leased,
      send: (agentId, message) => {
        this.sent.push({ agentId, atMs: this.nowMs, message });
        return this.fails ? Promise.reject(new Error("away")) : Promise.resolve();
      },
      onFailed: (agentId) => this.failed.push(agentId),
    });
    for (let i = 0; i < agents; i++) this.connect(`agent-${i}`);
  }

  connect(agentId: string): RelayedSession {
    const relay = this.relay.atConnect(agentId, settings);
    const session = { agentId, epoch: 1, settings, lastPingAtMs: this.nowMs, relay };
    this.sessions.push(session);
    return session;
  }

  /** Every agent pings once in each interval, evenly spread over it. */
  async pingFor(intervals: number): Promise<void> {
    for (let i = 0; i < intervals; i++) {
      const fromMs = this.nowMs;
      for (const [n, session] of this.sessions.entries()) {
        this.nowMs = fromMs + ((n + 1) / this.sessions.length) * settings.pingIntervalMs;
        this.relay.onPing(session, undefined);
        // Temporal takes what was sent.
        if (n % 50 === 0) await new Promise(setImmediate);
      }
    }
  }
}

describe("relay", () => {
  it("relay - under the budget every ping is relayed, and nothing is vouched for", async () => {
    const fleet = new Fleet(10, 2);
    await fleet.pingFor(5);
    expect(fleet.sent).toHaveLength(50);
    expect(new Set(fleet.sent.map(({ message }) => message.vouchForMs))).toEqual(new Set([0]));
  });

  it("relay - over the budget relays stay within it, and each is due before its vouching and the time-out end", async () => {
    const fleet = new Fleet(1_000, 2);
    const from = fleet.sessions.map((session) => ({
      agentId: session.agentId,
      coveredUntilMs: fleet.relay.vouchesForMs(session),
    }));
    // 1,000 agents at 2 a second are relayed every 500 s.
    await fleet.pingFor(60);
    expect(fleet.sent.length / (fleet.nowMs / 1_000)).toBeLessThanOrEqual(2.4);
    for (const { agentId, coveredUntilMs } of from) {
      let coveredMs = coveredUntilMs + 2.5 * settings.pingIntervalMs;
      for (const { atMs, message } of fleet.sent.filter((one) => one.agentId === agentId)) {
        expect(atMs).toBeLessThanOrEqual(coveredMs);
        coveredMs = atMs + message.vouchForMs + 2.5 * settings.pingIntervalMs;
      }
      expect(fleet.nowMs).toBeLessThanOrEqual(coveredMs);
    }
  });

  it("relay - a ping that ends a late spell is relayed at once", async () => {
    const fleet = new Fleet(1_000, 2);
    await fleet.pingFor(2);
    const [session] = fleet.sessions;
    if (session === undefined) throw new Error("no session");
    const before = fleet.sent.length;
    fleet.nowMs += 2 * settings.pingIntervalMs;
    fleet.relay.onPing(session, undefined);
    expect(fleet.sent.slice(before)).toMatchObject([{ agentId: session.agentId }]);
  });

  it("relay - news of an agent's health is relayed at once, both ways, and only then", () => {
    const fleet = new Fleet(1_000, 2);
    const [session] = fleet.sessions;
    if (session === undefined) throw new Error("no session");
    fleet.nowMs += 1_000;
    fleet.relay.onPing(session, "disk failing");
    fleet.relay.onPing(session, "disk failing");
    fleet.relay.onPing(session, undefined);
    fleet.relay.onPing(session, undefined);
    expect(fleet.sent.map(({ message }) => message.unhealthy)).toEqual(["disk failing", undefined]);
  });

  it("relay - without the lease nothing is vouched for", async () => {
    const fleet = new Fleet(1_000, 2);
    fleet.leased = false;
    await fleet.pingFor(10);
    expect(fleet.sent.every(({ message }) => message.vouchForMs === 0)).toBe(true);
    expect(fleet.sessions.every((session) => fleet.relay.vouchesForMs(session) === 0)).toBe(true);
  });

  it("relay - one that Temporal did not take is tried again with the next ping", async () => {
    const fleet = new Fleet(1_000, 2);
    const [session] = fleet.sessions;
    if (session === undefined) throw new Error("no session");
    fleet.fails = true;
    fleet.nowMs += 1_000;
    fleet.relay.onPing(session, "disk failing");
    await new Promise(setImmediate);
    expect(fleet.failed).toEqual([session.agentId]);
    expect(fleet.relay.vouchesForMs(session)).toBe(0);
    fleet.fails = false;
    fleet.nowMs += 1_000;
    fleet.relay.onPing(session, "disk failing");
    expect(fleet.sent).toHaveLength(2);
  });
});
