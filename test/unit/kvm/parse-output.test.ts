import { describe, expect, it } from "vitest";
import { parseCapabilities } from "../../../src/resources/kvm/capabilities.ts";
import {
  parseAmount,
  parseDominfos,
  parseDomstats,
  parseFields,
  parseVmRefs,
  powerOf,
} from "../../../src/resources/kvm/parse-output.ts";
import * as captured from "./captured.ts";

describe("virsh output", () => {
  it("list - gives each UUID with its name, spaces inside kept", () => {
    expect(parseVmRefs(captured.list)).toEqual([
      { uuid: captured.uuid, name: "tiny one" },
      { uuid: captured.otherUuid, name: "7" },
    ]);
    expect(parseVmRefs("\n")).toEqual([]);
  });

  it("domstats - gives each VM's figures by its name", () => {
    const stats = parseDomstats(captured.domstats);
    expect([...stats.keys()]).toEqual(["tiny one", "7"]);
    expect(stats.get("7")?.get("balloon.maximum")).toBe("32768");
    expect(parseDomstats("Domain: 'it's odd'\n  state.state=3\n").get("it's odd")).toEqual(
      new Map([["state.state", "3"]]),
    );
  });

  it("dominfo - of several VMs in a row are told apart, other lines left out", () => {
    const both =
      captured.dominfo("tiny one", captured.uuid, "running") +
      captured.dominfo("7", captured.otherUuid, "shut off") +
      "vm\n";
    expect(parseDominfos(both).map((fields) => [fields.get("Name"), fields.get("State")])).toEqual([
      ["tiny one", "running"],
      ["7", "shut off"],
    ]);
    expect(parseDominfos("vm\n")).toEqual([]);
  });

  it("fields and amounts - are read with their unit, anything else is no amount", () => {
    const fields = parseFields(captured.nodeinfo);
    expect(parseAmount(fields.get("CPU(s)"))).toBe(2);
    expect(parseAmount(fields.get("Memory size"))).toBe(6_382_148 * 1024);
    expect(parseAmount("2445 MHz")).toBeUndefined();
    expect(parseAmount(undefined)).toBeUndefined();
  });

  it("power - is the same for domstats' numbers and dominfo's words, and never guessed", () => {
    const pairs: readonly (readonly [string, string, string])[] = [
      ["0", "no state", "Unknown"],
      ["1", "running", "On"],
      ["2", "idle", "On"],
      ["3", "paused", "Paused"],
      ["4", "in shutdown", "On"],
      ["5", "shut off", "Off"],
      ["6", "crashed", "Unknown"],
      ["7", "pmsuspended", "Paused"],
    ];
    for (const [number, word, power] of pairs) {
      expect([powerOf(number), powerOf(word)]).toEqual([power, power]);
    }
    expect(powerOf(undefined)).toBe("Unknown");
  });

  it("capabilities - chooses hardware virtualisation of the host's own architecture when it can", () => {
    const kvm = parseCapabilities(captured.capabilities(["qemu", "kvm"]));
    expect(kvm).toEqual({
      hostArch: "x86_64",
      cpuModel: "kvm64",
      guest: { arch: "x86_64", domainType: "kvm" },
    });
    const emulated = parseCapabilities(captured.capabilities(["qemu"]));
    expect(emulated.guest).toEqual({ arch: "x86_64", domainType: "qemu" });
    const none = "<capabilities><host><cpu><arch>x86_64</arch></cpu></host></capabilities>";
    expect(parseCapabilities(none).guest).toBeUndefined();
    expect(() => parseCapabilities("<html/>")).toThrow("connection URI");
  });
});
