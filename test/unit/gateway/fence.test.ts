import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { Fence } from "../../../src/gateway/fence.ts";
import { Lease } from "../../../src/gateway/lease.ts";
import type { PeerWord } from "../../../src/lifecycle/fencing.ts";

const log = pino({ level: "silent" });
const settle = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

/** A gateway whose clock, Temporal, PostgreSQL and peers are the test's to move. */
class Cut {
  nowMs = 0;
  awakeMs = 0;
  temporal = true;
  database = true;
  peers: readonly PeerWord[] = [{ type: "sure", forMs: 60_000 }];
  fencedBecause: string | undefined;
  readonly lease = new Lease(log, () => this.nowMs);
  readonly fence = new Fence({
    lease: this.lease,
    log,
    nowMs: () => this.nowMs,
    awakeMs: () => this.awakeMs,
    requests: () => 0,
    report: () =>
      this.database ? Promise.resolve("run-1") : Promise.reject(new Error("no PostgreSQL")),
    others: () => this.peers.map(() => ({}) as never),
    askPeer: () => Promise.resolve(this.peers[0] ?? { type: "silent" }),
    fencedBecause: () => this.fencedBecause,
    isMember: () => this.fencedBecause === undefined,
    fence: (why) => {
      this.fencedBecause = why;
    },
    onRow: () => undefined,
  });

  constructor() {
    const heartbeat = () =>
      this.temporal ? Promise.resolve(true) : Promise.reject(new Error("no Temporal"));
    this.lease.take({ heartbeat, giveBack: () => Promise.resolve() });
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      this.nowMs += 250;
      this.awakeMs += 250;
      if (this.nowMs % 2_000 === 0) this.lease.beat();
      this.fence.turn();
      await settle();
    }
  }
}

async function well(): Promise<Cut> {
  const gateway = new Cut();
  await settle();
  await gateway.pass(20_000);
  expect(gateway.lease.held).toBe(true);
  expect(gateway.fence.sureForMs).toBeGreaterThan(10_000);
  return gateway;
}

describe("lease", () => {
  it("is over after five seconds without a confirmed heartbeat, at once for a process that stood still", async () => {
    const gateway = await well();
    gateway.nowMs += 6_000;
    expect(gateway.lease.held).toBe(false);
    expect(gateway.lease.isStale).toBe(true);
    expect(gateway.fence.isInDoubt).toBe(true);
    expect(gateway.fence.sureForMs).toBe(0);
    gateway.lease.beat();
    await settle();
    expect(gateway.lease.held).toBe(true);
  });

  it("Temporal has it no longer - is not held, however fresh it was", async () => {
    let nowMs = 0;
    let lives = true;
    const lease = new Lease(log, () => nowMs);
    lease.take({ heartbeat: () => Promise.resolve(lives), giveBack: () => Promise.resolve() });
    await settle();
    expect(lease.held).toBe(true);
    lives = false;
    nowMs = 10;
    lease.beat();
    await settle();
    expect(lease.held).toBe(false);
  });

  it("a heartbeat that was confirmed late counts from when it was sent", async () => {
    let nowMs = 0;
    let confirm: (lives: boolean) => void = () => undefined;
    const lease = new Lease(log, () => nowMs);
    const heartbeat = () =>
      new Promise<boolean>((resolve) => {
        confirm = resolve;
      });
    lease.take({ heartbeat, giveBack: () => Promise.resolve() });
    nowMs = 5_001;
    confirm(true);
    await settle();
    expect(lease.held).toBe(false);
  });
});

describe("fence", () => {
  it.each([
    ["Temporal", { temporal: false }],
    ["PostgreSQL", { database: false }],
    ["both", { temporal: false, database: false }],
  ])("cut off from %s while another gateway does well - sends its agents away", async (_, cut) => {
    const gateway = await well();
    Object.assign(gateway, cut);
    await gateway.pass(4_000);
    expect(gateway.fencedBecause).toBeUndefined();
    await gateway.pass(8_000);
    expect(gateway.fencedBecause).toContain("other gateways do well");
  });

  it("everything is away for all gateways - keeps its agents", async () => {
    const gateway = await well();
    Object.assign(gateway, { temporal: false, database: false, peers: [{ type: "unsure" }] });
    await gateway.pass(120_000);
    expect(gateway.fencedBecause).toBeUndefined();
    Object.assign(gateway, { temporal: true, database: true });
    await gateway.pass(5_000);
    expect(gateway.fence.sureForMs).toBeGreaterThan(0);
  });

  it("stood still itself - gets two seconds to find its lease again", async () => {
    const gateway = await well();
    gateway.nowMs += 60_000;
    expect(gateway.fence.isInDoubt).toBe(true);
    await gateway.pass(5_000);
    expect(gateway.fencedBecause).toBeUndefined();
    expect(gateway.fence.isInDoubt).toBe(false);
  });
});
