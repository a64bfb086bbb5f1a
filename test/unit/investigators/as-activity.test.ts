import { MockActivityEnvironment } from "@temporalio/testing";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { Finding, Investigator, LostHost } from "../../../src/api/index.ts";
import type { InvestigatorFinding } from "../../../src/lifecycle/disconnect-types.ts";
import { asActivity } from "../../../src/activities/investigators/as-activity.ts";

type Investigate = Investigator["investigate"];

async function run(
  investigate: Investigate,
  environment = new MockActivityEnvironment(),
  timeoutMs = 60_000,
): Promise<InvestigatorFinding> {
  const activity = asActivity(
    { name: "x", summary: "looks", investigate },
    pino({ level: "silent" }),
  );
  const finding: unknown = await environment.run(activity, {
    agentId: "a",
    epoch: 7,
    timeoutMs,
    host: {
      zone: "z",
      cluster: "c",
      resourceType: "kvm",
      software: "s",
      address: "10.0.0.1",
      facts: { rack: 4 },
      resources: [],
    },
  });
  return finding as InvestigatorFinding;
}

describe("an Investigator as an activity", () => {
  it("what it is told - is the host, its time and a signal; what it finds - is passed on", async () => {
    let told: LostHost | undefined;
    const finding = await run((host, { signal, timeoutMs }) => {
      told = host;
      return Promise.resolve({
        verdict: "Up",
        evidence: `${timeoutMs} ${String(signal.aborted)}`,
      });
    });
    expect(finding).toEqual({ investigator: "x", verdict: "Up", evidence: "60000 false" });
    expect(told).toEqual({
      ...{ agentId: "a", zone: "z", cluster: "c", resourceType: "kvm" },
      ...{ address: "10.0.0.1", facts: { rack: 4 } },
    });
  });

  it.each<[string, Investigate, RegExp]>([
    ["rejects", () => Promise.reject(new Error("no route")), /Investigator x failed: no route\./],
    [
      "throws at once",
      () => {
        throw new TypeError("oops");
      },
      /Investigator x failed: oops/,
    ],
    [
      "answers rubbish",
      () => Promise.resolve(1n as unknown as Finding),
      /Investigator x answered rubbish/,
    ],
  ])("one that %s - is Unknown and named", async (_what, investigate, said) => {
    const finding = await run(investigate);
    expect(finding).toMatchObject({ investigator: "x", verdict: "Unknown" });
    expect(finding.evidence).toMatch(said);
  });

  it("one that hangs - is Unknown soon after its time, though it ignores the signal", async () => {
    const finding = await run(() => new Promise(() => undefined), undefined, 100);
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain("Investigator x gave no answer within 100 ms");
  });

  it("one that ends when told - keeps its own evidence", async () => {
    const finding = await run(
      (_host, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            resolve({ verdict: "Unknown", evidence: "three probes, no reply" });
          });
        }),
      undefined,
      100,
    );
    expect(finding.evidence).toBe("three probes, no reply");
  });

  it("a cancelled activity - aborts the signal: nobody needs the answer any more", async () => {
    const environment = new MockActivityEnvironment();
    const beats: unknown[] = [];
    environment.on("heartbeat", (details: unknown) => beats.push(details));
    const running = run(
      (_host, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            resolve({ verdict: "Unknown", evidence: "cancelled" });
          });
          environment.cancel();
        }),
      environment,
    );
    expect((await running).evidence).toBe("cancelled");
    expect(beats[0]).toBe("looks");
  });
});
