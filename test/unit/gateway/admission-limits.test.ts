import { describe, expect, it } from "vitest";
import { HandshakeGate } from "../../../src/gateway/handshake-gate.ts";
import { WaitingRoom } from "../../../src/gateway/waiting-room.ts";

describe("waiting room", () => {
  it("waiting room - when full, who has waited longest leaves; who spoke is not there any more", () => {
    const out: string[] = [];
    const room = new WaitingRoom<string>(2, (one) => out.push(one));
    room.enter("speaks");
    room.enter("idle");
    room.leave("speaks");
    room.enter("idle too");
    expect(out).toEqual([]);
    room.enter("good");
    expect(out).toEqual(["idle"]);
    expect(room.size).toBe(2);
    room.clear();
    expect(out).toEqual(["idle", "idle too", "good"]);
  });
});

describe("handshake gate", () => {
  it("handshake gate - lets so many in at once; a slot given back twice is one slot", () => {
    const gate = new HandshakeGate(2, () => 0);
    const first = gate.enter();
    expect(gate.enter()).toBeDefined();
    expect(gate.enter()).toBeUndefined();
    first?.();
    first?.();
    expect(gate.enter()).toBeDefined();
    expect(gate.enter()).toBeUndefined();
    expect(gate.inUse).toBe(2);
  });

  it("handshake gate - the larger the crowd, the later it is told to come back, with jitter, half a minute at most", () => {
    let nowMs = 0;
    let random = 0.5;
    const gate = new HandshakeGate(
      1,
      () => nowMs,
      () => random,
    );
    const slot = gate.enter();
    gate.enter();
    const calm = gate.retryAfterMs();
    expect(calm).toBeGreaterThanOrEqual(500);
    slot?.();
    const again = gate.enter();
    for (let i = 0; i < 10; i++) gate.enter();
    const crowded = gate.retryAfterMs();
    expect(crowded).toBeGreaterThan(calm);
    for (let i = 0; i < 100_000; i++) gate.enter();
    expect(gate.retryAfterMs()).toBe(30_000);
    random = 0;
    expect(gate.retryAfterMs()).toBe(15_000);
    again?.();
    nowMs += 60_000;
    random = 0.5;
    expect(gate.retryAfterMs()).toBe(500);
  });
});
