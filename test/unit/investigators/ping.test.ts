import { describe, expect, it } from "vitest";
import { createPing } from "../../../src/activities/investigators/ping.ts";
import type { LostHost } from "../../../src/api/index.ts";

/** A program that would pass for a reply, if it were asked. */
const replying = "true";

const host = (fields: Partial<LostHost>): LostHost => ({
  agentId: "a",
  zone: "z",
  cluster: "c",
  resourceType: "kvm",
  ...fields,
});
const options = { signal: new AbortController().signal, timeoutMs: 10_000 };

describe("Investigator ping", () => {
  it("no address - is Unknown and says what to set", async () => {
    const finding = await createPing(replying).investigate(host({}), options);
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain("Set an address");
  });

  it("what is no address - is Unknown and asks nobody", async () => {
    for (const address of ["--help", "-c5", "a b", "host;reboot", "$(id)", "", "x".repeat(300)]) {
      const finding = await createPing(replying).investigate(host({ address }), options);
      expect(finding.verdict).toBe("Unknown");
      expect(finding.evidence).toContain("nothing was sent");
    }
  });
});
