/** Investigator kvm against libvirt: its test driver, a daemon of the test's own, and failures. */
import { createServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Finding, LostHost } from "../../../src/api/index.ts";
import { createKvm } from "../../../src/activities/investigators/kvm.ts";
import {
  missingPrograms,
  startPrivateLibvirtd,
  type PrivateLibvirtd,
} from "../kvm/private-libvirtd.ts";

function ask(
  template: string | undefined,
  fields: Partial<LostHost> = {},
  { program, timeoutMs = 15_000 }: { program?: string; timeoutMs?: number } = {},
): Promise<Finding> {
  const host = { agentId: "a", zone: "z", cluster: "c", resourceType: "kvm", ...fields };
  // As the worker does it.
  const signal = AbortSignal.timeout(timeoutMs);
  return createKvm(template, program).investigate(host, { signal, timeoutMs });
}

const missing = missingPrograms("virsh", "libvirtd");
const skipped = missing === "" ? "" : ` - skipped: ${missing}`;

describe.skipIf(missing !== "")(`Investigator kvm with libvirt${skipped}`, () => {
  let libvirtd: PrivateLibvirtd;
  beforeAll(async () => {
    libvirtd = await startPrivateLibvirtd();
  });
  afterAll(async () => {
    await libvirtd.stop();
  });

  it("libvirt that answers - is Up with its host's name", async () => {
    const finding = await ask("test:///default");
    expect(finding.verdict).toBe("Up");
    expect(finding.evidence).toMatch(/^libvirt at test:\/\/\/default answered after \d+ ms as /);
  });

  it("a daemon that answers - is Up, and Unknown once it is gone", async () => {
    expect((await ask(libvirtd.testUri)).verdict).toBe("Up");
    const gone = libvirtd.testUri.replace("libvirt-sock", "no-such-sock");
    const finding = await ask(gone);
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain("error:");
  });

  it("a port where no libvirt is - is Unknown", async () => {
    const finding = await ask("qemu+tcp://{address}:9/system", { address: "127.0.0.1" });
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain("qemu+tcp://127.0.0.1:9/system");
  });

  it("a port that takes connections and stays silent - is Unknown when the time is over", async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    try {
      const finding = await ask(
        `qemu+tcp://{address}:${port}/system`,
        { address: "127.0.0.1" },
        { timeoutMs: 500 },
      );
      expect(finding.verdict).toBe("Unknown");
      expect(finding.evidence).toContain("no answer");
    } finally {
      server.close();
    }
  });
});

describe("Investigator kvm without libvirt", () => {
  const template = "qemu+tls://{address}/system";

  it("no setting, no address, no virsh - is Unknown and says what is missing", async () => {
    expect((await ask(undefined, { address: "10.0.0.1" })).evidence).toContain(
      "MUSTER_KVM_INVESTIGATOR_URI",
    );
    expect((await ask(template)).evidence).toContain("No address");
    const noVirsh = await ask(template, { address: "10.0.0.1" }, { program: "no-such-virsh" });
    expect(noVirsh.evidence).toContain("no-such-virsh is not installed");
  });

  it.each(["--help", "h/system?socket=/tmp/x", "a b", "u@h", "h:22", "$(id)", "fe80::1%eth0", ""])(
    "address %s - is Unknown and asks nobody",
    async (address) => {
      const finding = await ask(template, { address }, { program: "no-such-virsh" });
      expect(finding.verdict).toBe("Unknown");
      expect(finding.evidence).toContain("nothing was sent");
    },
  );

  it("the address - becomes part of the URI, an IPv6 one in brackets", async () => {
    for (const [address, uri] of [
      ["host-7.example", "qemu+tls://host-7.example/system"],
      ["2001:db8::7", "qemu+tls://[2001:db8::7]/system"],
    ] as const) {
      const finding = await ask(template, { address }, { program: "false" });
      expect(finding.verdict).toBe("Unknown");
      expect(finding.evidence).toContain(`libvirt at ${uri} was asked`);
    }
  });

  it("a program that says nothing - is no answer", async () => {
    expect((await ask(template, { address: "h" }, { program: "true" })).verdict).toBe("Unknown");
  });
});
