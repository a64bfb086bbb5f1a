import { describe, expect, it } from "vitest";
import { kvmConfig } from "../../../src/resources/kvm/config.ts";
import { checkDefinition, generateDomainXml } from "../../../src/resources/kvm/domain-xml.ts";

describe("kvmConfig", () => {
  it("nothing given - is this machine's libvirt", () => {
    expect(kvmConfig({})).toMatchObject({ name: "kvm", uri: "qemu:///system", virsh: "virsh" });
  });

  it.each([
    ["uri", { uri: "--help" }],
    ["uri", { uri: "qemu system" }],
    ["commandTimeoutMs", { commandTimeoutMs: "10s" }],
    ["childrenMax", { childrenMax: 0 }],
    ["address", { address: "-c5" }],
    ["probePorts", { probePorts: [22, 70_000] }],
    ["probePorts", { probePorts: 22 }],
    ["migrateFlags", { migrateFlags: ["--p2p; reboot"] }],
    ["migrateUri", { migrateUri: "host2" }],
    ["migrateTo", { migrateTo: "host2" }],
    ["timeout", { timeout: 5 }],
  ])("a wrong %s - is refused by its name: %j", (setting, given) => {
    expect(() => kvmConfig(given)).toThrow(expect.objectContaining({ setting }));
  });
});

describe("domain XML", () => {
  const guest = { arch: "x86_64", domainType: "kvm" };
  const spec = { cpuCount: 2, memoryBytes: 1_048_576 };

  it("generated - escapes the name and passes its own check", () => {
    const name = `a & b <c> "d" 'e'`;
    const xml = generateDomainXml(name, spec, guest);
    expect(xml).toContain("<name>a &amp; b &lt;c&gt; &quot;d&quot; &apos;e&apos;</name>");
    expect(() => {
      checkDefinition(name, xml);
    }).not.toThrow();
  });

  it.each([
    ["another name", "<domain><name>b</name></domain>"],
    ["two names", "<domain><name>a</name><name>b</name></domain>"],
    ["no name", "<domain/>"],
    ["no domain", "<pool><name>a</name></pool>"],
    ["no XML", "hello"],
    ["broken XML", "<domain><name>a</nam"],
  ])("%s - is refused", (_what, xml) => {
    expect(() => {
      checkDefinition("a", xml);
    }).toThrow(expect.objectContaining({ code: "INVALID_DEFINITION" }));
  });
});
