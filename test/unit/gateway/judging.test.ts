import { beforeEach, describe, expect, it } from "vitest";
import { JudgingClock } from "../../../src/gateway/judging-clock.ts";
import {
  judgeEveryMs,
  Liveness,
  stallAfterMs,
  type JudgedSession,
} from "../../../src/gateway/liveness.ts";

const settings = {
  pingIntervalMs: 1_000,
  pingTimeoutMultiplier: 2.5,
  reconnectGraceMs: 0,
  alertWaitMs: 0,
  investigateRetryMs: 0,
};

let realMs = 0;
beforeEach(() => {
  realMs = 1_000_000;
});

describe("judging clock", () => {
  it("judging clock - goes with the time while the loop turns", () => {
    const clock = new JudgingClock(500, () => realMs);
    for (let i = 0; i < 10; i++) {
      realMs += 200;
      expect(clock.tick()).toBe(0);
    }
    expect(clock.now()).toBe(2_000);
    realMs += 123;
    expect(clock.now()).toBe(2_123);
  });

  it("judging clock - moves by one step only through a stall, seen before the tick or after", () => {
    const clock = new JudgingClock(500, () => realMs);
    realMs += 30_000;
    expect(clock.now()).toBe(500);
    expect(clock.tick()).toBe(29_500);
    expect(clock.now()).toBe(500);
  });

  it("judging clock - never goes back", () => {
    const clock = new JudgingClock(500, () => realMs);
    let last = clock.now();
    for (const step of [100, 900, 0, 499, 5_000, 1]) {
      realMs += step;
      const before = clock.now();
      clock.tick();
      const after = clock.now();
      expect(before).toBeGreaterThanOrEqual(last);
      expect(after).toBeGreaterThanOrEqual(before);
      last = after;
    }
  });
});

class Loop {
  readonly clock = new JudgingClock(stallAfterMs, () => realMs);
  readonly sessions: JudgedSession[] = [];
  readonly silent: [string, number][] = [];
  readonly lingered: string[] = [];
  stalls = 0;
  beats = 0;
  readonly liveness = new Liveness<JudgedSession>({
    sessions: () => this.sessions,
    tick: () => this.clock.tick(),
    now: () => this.clock.now(),
    beat: () => this.beats++,
    sweep: () => undefined,
    onStalled: () => this.stalls++,
    onSilent: (session, ms) => this.silent.push([session.agentId, ms]),
    onLingered: (session) => this.lingered.push(session.agentId),
  });

  add(agentId: string): JudgedSession {
    const session: JudgedSession = {
      agentId,
      epoch: 1,
      settings,
      lastPingAtMs: this.clock.now(),
      silentSinceMs: undefined,
      relay: {
        lastRelayAtMs: undefined,
        plan: { periodMs: 1_000, vouchForMs: 0 },
        unhealthy: undefined,
      },
    };
    this.sessions.push(session);
    return session;
  }

  run(forMs: number, each: () => void = () => undefined): void {
    for (let passedMs = 0; passedMs < forMs; passedMs += judgeEveryMs) {
      realMs += judgeEveryMs;
      each();
      this.liveness.turn();
    }
  }
}

describe("liveness", () => {
  it("liveness - silence of multiplier × interval is found once, within a turn of the loop", () => {
    const loop = new Loop();
    loop.add("a");
    loop.run(2_400);
    expect(loop.silent).toEqual([]);
    loop.run(400);
    expect(loop.silent).toHaveLength(1);
    expect(loop.silent[0]?.[1]).toBeLessThanOrEqual(2_500 + judgeEveryMs);
    loop.run(2_000);
    expect(loop.silent).toHaveLength(1);
  });

  it("liveness - an agent that pings is never silent", () => {
    const loop = new Loop();
    const session = loop.add("a");
    loop.run(60_000, () => {
      if (realMs % 1_000 === 0) session.lastPingAtMs = loop.clock.now();
    });
    expect(loop.silent).toEqual([]);
  });

  it("liveness - a stall of the gateway is no silence of its agents", () => {
    const loop = new Loop();
    const session = loop.add("a");
    loop.run(1_000);
    realMs += 60_000;
    loop.liveness.turn();
    expect(loop.stalls).toBe(1);
    expect(loop.liveness.stalledMs).toBe(60_000 - stallAfterMs);
    expect(loop.silent).toEqual([]);
    // The pings that waited in the socket's buffer are read now.
    session.lastPingAtMs = loop.clock.now();
    loop.run(2_000);
    expect(loop.silent).toEqual([]);
  });

  it("liveness - who is really gone is found after a stall too, late by the stall", () => {
    const loop = new Loop();
    loop.add("a");
    realMs += 60_000;
    loop.liveness.turn();
    expect(loop.silent).toEqual([]);
    loop.run(2_500);
    expect(loop.silent).toHaveLength(1);
  });

  it("liveness - a silent session lingers for a last question, then its socket goes", () => {
    const loop = new Loop();
    loop.add("a");
    loop.run(2_800);
    expect(loop.lingered).toEqual([]);
    loop.run(5_400);
    expect(loop.lingered).toContain("a");
  });

  it("liveness - the lease is beaten every two seconds and at once after a stall", () => {
    const loop = new Loop();
    loop.run(20_000);
    expect(loop.beats).toBeGreaterThanOrEqual(9);
    expect(loop.beats).toBeLessThanOrEqual(11);
    const before = loop.beats;
    realMs += 10_000;
    loop.liveness.turn();
    expect(loop.beats).toBe(before + 1);
  });
});
