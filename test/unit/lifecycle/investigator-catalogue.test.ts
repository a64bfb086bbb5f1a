import { describe, expect, it } from "vitest";
import {
  canSpeakOf,
  investigatorActivityType,
  investigatorSummary,
  shippedInvestigators,
} from "../../../src/lifecycle/investigator-catalogue.ts";

describe("Investigators by name", () => {
  it("activity types - are what histories of earlier releases have, and readable", () => {
    expect(investigatorActivityType("ping")).toBe("investigateByPing");
    expect(investigatorActivityType("agent")).toBe("investigateByAgent");
    expect(investigatorActivityType("rack-pdu")).toBe("investigateByRackPdu");
    expect(investigatorActivityType("a--1-")).toBe("investigateByA1");
  });

  it("summaries - say what each does and fit into Temporal's 200 bytes", () => {
    expect(investigatorSummary("redfish")).toBe(
      "Investigator redfish: reads the host's power state from its BMC",
    );
    for (const name of [...Object.keys(shippedInvestigators), "a".repeat(41), "constructor"]) {
      expect(investigatorSummary(name).length).toBeLessThan(200);
      expect(investigatorSummary(name)).toContain(`Investigator ${name}: `);
    }
  });

  it("kvm and simulator - are asked about hosts of their own type alone", () => {
    expect(canSpeakOf("kvm", "kvm")).toBe(true);
    expect(canSpeakOf("kvm", "simulator")).toBe(false);
    expect(canSpeakOf("simulator", "simulator")).toBe(true);
    expect(canSpeakOf("simulator", "kvm")).toBe(false);
    for (const name of ["agent", "ping", "neighbour", "redfish", "rack-pdu"]) {
      expect(canSpeakOf(name, "anything")).toBe(true);
    }
  });
});
