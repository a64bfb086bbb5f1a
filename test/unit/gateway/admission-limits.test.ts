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

  /** A full gate, by a clock of its own; jitter in the middle unless a test says otherwise. */
  function fullGate(random = () => 0.5) {
    let nowMs = 0;
    const gate = new HandshakeGate(1, () => nowMs, random);
    let giveBack = gate.enter();
    return {
      refuse: () => {
        expect(gate.enter()).toBeUndefined();
        return gate.retryAfterMs();
      },
      /** So many handshakes are done in the time, and the gate stays full. */
      pass: (ms: number, handshakes: number) => {
        nowMs += ms;
        for (let i = 0; i < handshakes; i++) {
          giveBack?.();
          giveBack = gate.enter();
        }
      },
    };
  }

  it("handshake gate - each agent that is refused gets a turn of its own, one after the other", () => {
    const gate = fullGate();
    const turns = Array.from({ length: 100 }, gate.refuse);
    expect(turns[0]).toBeGreaterThanOrEqual(500);
    expect(new Set(turns).size).toBe(100);
    expect(turns.toSorted((a, b) => a - b)).toEqual(turns);
  });

  it("handshake gate - turns are as far apart as handshakes take, a little closer", () => {
    const gate = fullGate();
    for (let seconds = 0; seconds < 30; seconds += 2) {
      gate.refuse();
      gate.pass(2_000, 20);
    }
    const first = gate.refuse();
    const betweenMs = gate.refuse() - first;
    expect(betweenMs).toBeGreaterThan(80);
    expect(betweenMs).toBeLessThanOrEqual(100);
  });

  it("handshake gate - a crowd that no forecast reaches comes spread over the last part of a minute and a half", () => {
    let random = 0;
    const gate = fullGate(() => random);
    for (let i = 0; i < 12_000; i++) gate.refuse();
    expect(gate.refuse()).toBe(45_000);
    random = 1;
    expect(gate.refuse()).toBe(90_000);
  });

  it("handshake gate - when the storm is over, it is forgotten", () => {
    const gate = fullGate();
    for (let i = 0; i < 12_000; i++) gate.refuse();
    gate.pass(200_000, 1);
    expect(gate.refuse()).toBeLessThan(600);
  });

  it("handshake gate - handshakes that take long in a crowd are fewer at once, and more again when they are quick", () => {
    let nowMs = 0;
    const gate = new HandshakeGate(64, () => nowMs);
    /** For a minute, as many as may be in, and more that are refused. Gives how many there were at once, at last. */
    const crowd = (tookMs: number): number => {
      const inside: { readonly leave: () => void; readonly untilMs: number }[] = [];
      let atOnce = 0;
      for (const endMs = nowMs + 60_000; nowMs < endMs; nowMs += 100) {
        while (inside[0] !== undefined && inside[0].untilMs <= nowMs) inside.shift()?.leave();
        for (let leave = gate.enter(); leave !== undefined; leave = gate.enter()) {
          inside.push({ leave, untilMs: nowMs + tookMs });
        }
        atOnce = inside.length;
      }
      for (const { leave } of inside) leave();
      return atOnce;
    };
    expect(crowd(300)).toBe(64);
    expect(crowd(8_000)).toBeLessThanOrEqual(16);
    expect(crowd(300)).toBe(64);
  });

  /** Agents that all come at once, to a gateway that does so many handshakes a second, each in 100 ms at least. */
  function storm(agents: number, perSecond: number): { seconds: number; refusals: number } {
    let nowMs = 0;
    let refusals = 0;
    let done = 0;
    let credit = 0;
    const gate = new HandshakeGate(64, () => nowMs);
    const comeAtMs: number[] = Array.from({ length: agents }, () => Math.random() * 1_000);
    const inside: { readonly leave: () => void; readonly sinceMs: number }[] = [];
    for (; done < agents; nowMs += 20) {
      for (let i = comeAtMs.length - 1; i >= 0; i--) {
        if ((comeAtMs[i] ?? 0) > nowMs) continue;
        const leave = gate.enter();
        if (leave !== undefined) {
          inside.push({ leave, sinceMs: nowMs });
          comeAtMs.splice(i, 1);
          continue;
        }
        refusals++;
        comeAtMs[i] = nowMs + gate.retryAfterMs();
      }
      credit = Math.min(credit + perSecond / 50, inside.length);
      while (credit >= 1 && inside[0] !== undefined && nowMs - inside[0].sinceMs >= 100) {
        inside.shift()?.leave();
        credit--;
        done++;
      }
    }
    return { seconds: nowMs / 1_000, refusals: refusals / agents };
  }

  it.each([
    [500, 10, 60],
    [5_000, 50, 115],
    [5_000, 300, 90],
  ])(
    "handshake gate - %d agents at once, %d a second: all are in within %d s, and few are refused twice",
    (agents, perSecond, secondsMost) => {
      const { seconds, refusals } = storm(agents, perSecond);
      expect(seconds).toBeLessThanOrEqual(secondsMost);
      expect(refusals).toBeLessThanOrEqual(3);
    },
  );
});
