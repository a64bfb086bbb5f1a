import { describe, expect, it } from "vitest";
import { investigateByPing } from "../../../src/activities/investigators/ping.ts";
import type { HostDescription } from "../../../src/workflows/agent-messages.ts";

/** A program that would pass for a reply, if it were asked. */
const replying = "true";

const host = (fields: Partial<HostDescription>): { host: HostDescription } => ({
  host: {
    zone: "z",
    cluster: "c",
    resourceType: "kvm",
    software: "test",
    resources: [],
    ...fields,
  },
});
const options = (pingProgram: string) => ({
  signal: new AbortController().signal,
  timeoutMs: 10_000,
  pingProgram,
});

describe("Investigator ping", () => {
  it("no address - is Unknown and says what to set", async () => {
    const finding = await investigateByPing(host({}), options(replying));
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain("Set an address");
  });

  it("what is no address - is Unknown and asks nobody", async () => {
    for (const address of ["--help", "-c5", "a b", "host;reboot", "$(id)", "", "x".repeat(300)]) {
      const finding = await investigateByPing(host({ address }), options(replying));
      expect(finding.verdict).toBe("Unknown");
      expect(finding.evidence).toContain("nothing was sent");
    }
  });
});
