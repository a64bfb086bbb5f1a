import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/index.ts";

describe("settings of Investigators", () => {
  it("MUSTER_INVESTIGATORS - gives order and times; those excluded are left out", () => {
    const { investigators } = loadConfig({
      MUSTER_INVESTIGATORS: "redfish:3000, agent ,rack-pdu",
      MUSTER_INVESTIGATORS_EXCLUDE: "agent,never-heard-of",
    });
    expect(investigators).toEqual([
      { name: "redfish", timeoutMs: 3_000 },
      { name: "rack-pdu", timeoutMs: 10_000 },
    ]);
  });

  it("nothing set - asks all that are shipped, the cheapest first", () => {
    expect(loadConfig({}).investigators.map(({ name }) => name)).toEqual([
      ...["agent", "ping", "neighbour", "kvm", "redfish", "simulator"],
    ]);
  });

  it.each([
    ["MUSTER_INVESTIGATORS", "Ping"],
    ["MUSTER_INVESTIGATORS", "ping:5"],
    ["MUSTER_INVESTIGATORS", "ping,agent,ping"],
    ["MUSTER_NEIGHBOURS_ASKED", "0"],
    ["MUSTER_KVM_INVESTIGATOR_URI", "--help"],
    ["MUSTER_KVM_INVESTIGATOR_URI", "{address}"],
    ["MUSTER_KVM_INVESTIGATOR_URI", "qemu:///system -h"],
    ["MUSTER_SIMULATOR_WORLDS", "somewhere"],
  ])("%s=%s - is refused by its name", (variable, value) => {
    expect(() => loadConfig({ [variable]: value })).toThrow(variable);
  });

  it.each(["qemu+tls://{address}/system", "test:///default", "qemu+ssh://root@{address}/system"])(
    "MUSTER_KVM_INVESTIGATOR_URI=%s - is taken",
    (uri) => {
      expect(loadConfig({ MUSTER_KVM_INVESTIGATOR_URI: uri }).kvmInvestigatorUri).toBe(uri);
    },
  );
});
