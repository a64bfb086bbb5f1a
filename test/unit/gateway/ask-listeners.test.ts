import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { ConnectingAgent, HookListener, Veto } from "../../../src/api/index.ts";
import { askListeners } from "../../../src/gateway/hooks/ask-listeners.ts";
import { Listeners } from "../../../src/hooks/listeners.ts";

const agent: ConnectingAgent = {
  ...{ agentId: "a", gatewayId: "g", peer: "192.0.2.1", zone: "z", cluster: "c" },
  ...{ resourceType: "simulator", software: "test/1", resources: [] },
};
const log = pino({ level: "silent" });
const forever = new Promise<undefined>(() => undefined);

function listener(name: string, answer: () => unknown): HookListener {
  return { name, onConnecting: answer as () => Veto | undefined };
}

async function ask(
  listeners: readonly HookListener[],
  { timeoutMs = 5_000, failureAdmits = true } = {},
) {
  const all = new Listeners(listeners, { timeoutMs, log });
  const startedMs = performance.now();
  const end = await askListeners(all, agent, { timeoutMs, failureAdmits, log }).then(
    () => "admitted",
    (error: unknown) => error,
  );
  return { end, all, tookMs: performance.now() - startedMs };
}

describe("asking listeners whether an agent may connect", () => {
  it("nobody to ask, or nobody against it - admitted", async () => {
    expect((await ask([])).end).toBe("admitted");
    const other: HookListener = { name: "other", onConnected: () => undefined };
    expect((await ask([other])).end).toBe("admitted");
    const content = [listener("a", () => undefined), listener("b", () => Promise.resolve())];
    expect((await ask(content)).end).toBe("admitted");
  });

  it("a veto - refuses at once with who and why, whatever the others do", async () => {
    const vetoes = listener("rack", () => Promise.resolve({ veto: "its rack is switched off" }));
    const { end, tookMs, all } = await ask([listener("slow", () => forever), vetoes]);
    expect(end).toMatchObject({ code: "VETOED" });
    expect(String(end)).toContain("rack refuses: its rack is switched off");
    expect(tookMs).toBeLessThan(4_000);
    const counts = all.all.map(({ calls }) => calls.get("onConnecting")?.vetoed);
    expect(counts).toEqual([undefined, 1]);
  });

  it("a veto beside a failure that admits - refuses all the same", async () => {
    const fails = listener("fails", () => Promise.reject(new Error("no net")));
    const late = listener(
      "late",
      () => new Promise((resolve) => setImmediate(resolve, { veto: "" })),
    );
    const { end } = await ask([fails, late]);
    expect(String(end)).toContain("late refuses: it gave no reason");
  });

  it.each([
    ["hangs", () => forever, "bad took longer than 20 ms"],
    ["throws", () => JSON.parse("{") as unknown, "bad failed: "],
    ["rejects", () => Promise.reject(new Error("no net")), "bad failed: no net"],
    ["answers rubbish", () => false, "neither nothing nor { veto: reason }"],
    ["answers a veto without words", () => ({ veto: 7 }), "neither nothing nor { veto: reason }"],
  ])("a listener that %s - admits or refuses as the setting says", async (_what, answer, why) => {
    expect((await ask([listener("bad", answer)], { timeoutMs: 20 })).end).toBe("admitted");
    const strict = { timeoutMs: 20, failureAdmits: false };
    const { end } = await ask([listener("good", () => undefined), listener("bad", answer)], strict);
    expect(end).toMatchObject({ code: "LISTENER_FAILED" });
    expect(String(end)).toContain(why);
  });

  it("several that hang - are waited for at the same time", async () => {
    const hang = ["a", "b", "c", "d", "e"].map((name) => listener(name, () => forever));
    const { end, tookMs } = await ask(hang, { timeoutMs: 200 });
    expect(end).toBe("admitted");
    expect(tookMs).toBeLessThan(900);
  });
});
