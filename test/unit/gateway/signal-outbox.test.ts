import { pino } from "pino";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { AgentSignal } from "../../../src/gateway/agent-port.ts";
import { LifecycleGoneError } from "../../../src/gateway/errors.ts";
import { SignalOutbox } from "../../../src/gateway/signal-outbox.ts";

const log = pino({ level: "silent" });
const gateway = { gatewayId: "g", incarnation: "i" };
const answer = (seq: number): AgentSignal => ({
  name: "answer",
  message: { seq, answers: [], gateway },
});
const goodbye: AgentSignal = {
  name: "disconnect",
  message: { epoch: 1, cause: { type: "goodbye", reason: "stop" } },
};

class Temporal {
  away = false;
  readonly took: string[] = [];
  readonly send = (agentId: string, signal: AgentSignal): Promise<void> => {
    if (this.away) return Promise.reject(new Error("away"));
    const what = signal.name === "answer" ? `answer ${signal.message.seq}` : signal.name;
    this.took.push(`${agentId} ${what}`);
    return Promise.resolve();
  };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("signal outbox", () => {
  it("signal outbox - what Temporal takes is sent at once", async () => {
    const temporal = new Temporal();
    const outbox = new SignalOutbox(temporal.send, log);
    expect(await outbox.put("a", answer(1))).toBe("sent");
    expect(temporal.took).toEqual(["a answer 1"]);
    expect(outbox.size).toBe(0);
  });

  it("signal outbox - what it did not take is brought over in order, each once, when it is back", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const temporal = new Temporal();
    temporal.away = true;
    const outbox = new SignalOutbox(temporal.send, log);
    const fates = [
      outbox.put("a", answer(1)),
      outbox.put("a", answer(2)),
      outbox.put("a", answer(1)),
      outbox.put("a", goodbye),
      outbox.put("b", answer(1)),
    ];
    // Their first tries fail.
    await new Promise(setImmediate);
    expect(outbox.size).toBe(4);
    temporal.away = false;
    // Later ones of the same agent do not overtake.
    const late = outbox.put("a", answer(3));
    vi.useRealTimers();
    expect(await Promise.all([...fates, late])).toEqual(Array.from({ length: 6 }, () => "sent"));
    expect(temporal.took.filter((one) => one.startsWith("a"))).toEqual([
      "a answer 1",
      "a answer 2",
      "a disconnect",
      "a answer 3",
    ]);
    expect(temporal.took).toContain("b answer 1");
    expect(temporal.took).toHaveLength(5);
  });

  it("signal outbox - a lifecycle that is gone ends the trying", async () => {
    const outbox = new SignalOutbox(() => Promise.reject(new LifecycleGoneError("a")), log);
    expect(await outbox.put("a", answer(1))).toBe("gone");
    expect(outbox.size).toBe(0);
  });

  it("signal outbox - closing gives up what is kept, and keeps nothing more", async () => {
    const temporal = new Temporal();
    temporal.away = true;
    const outbox = new SignalOutbox(temporal.send, log);
    const kept = outbox.put("a", answer(1));
    await outbox.drain(50);
    outbox.close();
    expect(await kept).toBe("dropped");
    expect(await outbox.put("a", answer(2))).toBe("dropped");
  });

  it("signal outbox - many Answers push out no other news, and are dropped themselves beyond 512", async () => {
    const temporal = new Temporal();
    temporal.away = true;
    const outbox = new SignalOutbox(temporal.send, log);
    const fates = Array.from({ length: 513 }, (_, seq) => outbox.put("a", answer(seq)));
    expect(await fates[512]).toBe("dropped");
    const told = outbox.put("a", goodbye);
    expect(outbox.size).toBe(513);
    outbox.close();
    expect(await told).toBe("dropped");
  });

  it("signal outbox - large Answers of all agents are bounded together; the room is given back", async () => {
    const temporal = new Temporal();
    const outbox = new SignalOutbox(temporal.send, log);
    const large = (seq: number): AgentSignal => ({
      name: "answer",
      message: {
        seq,
        gateway,
        answers: [{ type: "A", commandId: "c", result: true, details: "x".repeat(1_000_000) }],
      },
    });
    const fates = await Promise.all(
      Array.from({ length: 70 }, (_, i) => outbox.put(`agent-${i}`, large(i))),
    );
    expect(fates.filter((fate) => fate === "dropped")).toHaveLength(3);
    expect(await outbox.put("agent-69", large(69))).toBe("sent");
  });
});
