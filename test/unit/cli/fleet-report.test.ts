import { describe, expect, it } from "vitest";
import type { FleetSummary, MissingAgent } from "../../../src/client/index.ts";
import { LatencyHistogram } from "../../../src/client/latency-histogram.ts";
import { fleetReport } from "../../../src/cli/text/fleet-report.ts";
import { latenciesText } from "../../../src/cli/text/latencies.ts";
import { progressBar } from "../../../src/cli/text/progress-bar.ts";

describe("progress bar", () => {
  it("fills with what is done", () => {
    expect(progressBar({ done: 0, total: 4 }, 80)).toBe(`[${"-".repeat(24)}] 0/4`);
    expect(progressBar({ done: 2, total: 4, label: "x", note: "on its way" }, 80)).toBe(
      `x  [${"#".repeat(12)}${"-".repeat(12)}] 2/4  on its way`,
    );
    expect(progressBar({ done: 0, total: 0 }, 80)).toBe(`[${"-".repeat(24)}] 0/0`);
  });

  it("fits its line, and can't be steered by what hosts say", () => {
    const line = progressBar({ done: 1, total: 1, note: `\u001b[2J${"n".repeat(200)}` }, 60);
    expect(line).toHaveLength(59);
    expect(line).toMatch(/n…$/);
    expect(line).not.toContain("\u001b");
  });
});

const latency = (...tookMs: readonly number[]) => {
  const histogram = new LatencyHistogram();
  for (const ms of tookMs) histogram.record(ms);
  return histogram.summary();
};

describe("latencies", () => {
  it("every value is in one row, rows at the ends that hold nothing are left out", () => {
    const text = latenciesText(latency(0.4, 3, 3.5, 40, 1_500));
    expect(text).toBe(
      [
        "p50 3.7 ms  p90 1.5 s  p99 1.5 s  max 1.5 s",
        "  ≤    1 ms  1  ####################",
        "  ≤    2 ms  0",
        "  ≤    4 ms  2  ########################################",
        "  ≤    8 ms  0",
        "  ≤   16 ms  0",
        "  ≤   32 ms  0",
        "  ≤   64 ms  1  ####################",
        "  ≤  128 ms  0",
        "  ≤  256 ms  0",
        "  ≤  512 ms  0",
        "  ≤     1 s  0",
        "  ≤     2 s  1  ####################",
        "",
      ].join("\n"),
    );
  });

  it("begins with the row of the fastest; of nothing there is nothing to say", () => {
    const row = (ms: number) => String.raw`\n {2}≤ +${ms} ms {2}1 {2}#+`;
    expect(latenciesText(latency(30, 60))).toMatch(new RegExp(`max 60 ms${row(32)}${row(64)}\n$`));
    expect(latenciesText(latency())).toBe("");
  });
});

const away = (agentId: string, code = "AGENT_NOT_CONNECTED"): MissingAgent => ({
  ...{ agentId, code, outcome: "notSent" },
  reason: `Agent ${agentId} has no session.`,
});
const summary = (missing: readonly MissingAgent[], failed = 0): FleetSummary => ({
  agents: 9 + missing.length,
  ...{ answered: 9, failed, missing, isCutShort: false, tookMs: 2_400 },
  latency: latency(...Array.from({ length: 9 }, () => 5)),
});

describe("fleet report", () => {
  it("counts, and says who is missing and why, the commonest reason first", () => {
    const missing = [away("gone-0", "AGENT_BUSY")];
    for (let i = 0; i < 12; i += 1) missing.push(away(`away-${i}`));
    const failures = [{ agentId: "ill", code: "DISK", reason: "The disk is\nfull." }];
    expect(fleetReport("CheckHealth", summary(missing, 1), failures, 100)).toBe(
      [
        "CheckHealth  22 agents in 2.4 s: 9 answered, 1 of them failed, 13 missing",
        "p50 5 ms  p90 5 ms  p99 5 ms  max 5 ms",
        `  ≤    8 ms  9  ${"#".repeat(40)}`,
        "failed: 1 agent",
        "  DISK  1 agent: ill",
        "    The disk is full.",
        "missing: 13 agents",
        "  AGENT_NOT_CONNECTED  12 agents: away-0, away-1, away-10, away-11, away-2, away-3, away-4, away-5",
        "                       and 4 more",
        "    Agent away-0 has no session.",
        "  AGENT_BUSY  1 agent: gone-0",
        "    Agent gone-0 has no session.",
        "",
      ].join("\n"),
    );
  });

  it("is short when all is well", () => {
    const text = fleetReport("CheckHealth", summary([]), [], 100);
    expect(text).toMatch(/^CheckHealth {2}9 agents in 2\.4 s: 9 answered, 0 missing\np50 /);
    expect(text).not.toMatch(/failed|missing:/);
  });

  it("stays short when everybody has a reason of his own", () => {
    const missing = Array.from({ length: 1_000 }, (_, i) => away(`a-${i}`, `CODE_${i}`));
    const lines = fleetReport("CheckHealth", summary(missing), [], 100).split("\n");
    expect(lines.length).toBeLessThan(30);
    expect(lines.at(-2)).toBe("  and 990 more reasons");
  });
});
