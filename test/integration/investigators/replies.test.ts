import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createPing } from "../../../src/activities/investigators/ping.ts";
import type { LostHost } from "../../../src/api/index.ts";

/** Programs that end like a ping without a reply, and like one with a reply. */
const silent = "false";
const replying = "true";

const host = (fields: Partial<LostHost>): LostHost => ({
  agentId: "a",
  zone: "z",
  cluster: "c",
  resourceType: "kvm",
  ...fields,
});
const options = { signal: new AbortController().signal, timeoutMs: 10_000 };

describe("Investigator ping: what counts as a reply", () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
  });
  const listen = async (): Promise<number> => {
    const server = createServer((socket) => socket.destroy());
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return (server.address() as AddressInfo).port;
  };
  const closedPort = async (): Promise<number> => {
    const port = await listen();
    await new Promise((done) => servers.pop()?.close(done));
    return port;
  };

  it("an ICMP reply - is Up", async () => {
    expect(await createPing(replying).investigate(host({ address: "127.0.0.1" }), options)).toEqual(
      {
        verdict: "Up",
        evidence: expect.stringMatching(
          /^Asked 127\.0\.0\.1: ICMP echo: reply after \d+ ms\.$/,
        ) as string,
      },
    );
  });

  it("an accepted TCP connection - is Up where ICMP gets no reply", async () => {
    const port = await listen();
    const probePorts = [await closedPort(), port];
    expect(
      await createPing(silent).investigate(host({ address: "127.0.0.1", probePorts }), options),
    ).toEqual({
      verdict: "Up",
      evidence: expect.stringContaining(`TCP port ${port}: connection accepted`) as string,
    });
  });

  it("a refused connection - is Unknown, since a firewall may have sent it", async () => {
    const port = await closedPort();
    const finding = await createPing(silent).investigate(
      host({ address: "127.0.0.1", probePorts: [port] }),
      options,
    );
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toMatch(
      new RegExp(
        `^Asked 127\\.0\\.0\\.1: ICMP echo: no reply; TCP port ${port}: refused; in \\d+ m?s\\.$`,
      ),
    );
  });

  it("a missing ping - is Unknown and says so", async () => {
    const finding = await createPing("no-such-ping").investigate(
      host({ address: "127.0.0.1" }),
      options,
    );
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain("no-such-ping is not installed on this worker");
  });

  it("a cancel - ends the probes at once", async () => {
    const cancelled = AbortSignal.abort();
    const finding = await createPing(silent).investigate(
      host({ address: "127.0.0.1", probePorts: [1] }),
      { ...options, signal: cancelled },
    );
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain("cancelled");
  });
});
