import { MockActivityEnvironment } from "@temporalio/testing";
import { execa } from "execa";
import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { asActivity } from "../../../src/activities/investigators/as-activity.ts";
import { createPing } from "../../../src/activities/investigators/ping.ts";
import { createLog } from "../../../src/telemetry/log.ts";
import type { HostDescription } from "../../../src/workflows/agent-messages.ts";

const describeHost = (address: string, probePorts: readonly number[] = []): HostDescription => ({
  zone: "z",
  cluster: "c",
  resourceType: "kvm",
  software: "test",
  resources: [],
  address,
  probePorts,
});

const loopback = await execa("ping", ["-c", "1", "-W", "2", "127.0.0.1"], { reject: false });
const noPing =
  loopback.exitCode === 0
    ? ""
    : ` - skipped: ping can't be used here (Debian: iputils-ping; ${loopback.stderr || loopback.shortMessage || "no reply on loopback"})`;

describe.skipIf(noPing !== "")(`Investigator ping by ICMP${noPing}`, () => {
  it("a host that is there - is Up, as the activity that workers register", async () => {
    const activity = asActivity(createPing(), createLog("test", "silent"));
    const finding: unknown = await new MockActivityEnvironment().run(activity, {
      agentId: "a",
      epoch: 1,
      host: describeHost("127.0.0.1"),
    });
    expect(finding).toEqual({
      investigator: "ping",
      verdict: "Up",
      evidence: expect.stringContaining("ICMP echo: reply") as string,
    });
  });

  it("a name that nobody knows - is Unknown with ping's own words", async () => {
    const finding = await createPing().investigate(
      { agentId: "a", ...describeHost("no-such-host.invalid") },
      { signal: new AbortController().signal, timeoutMs: 5_000 },
    );
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toMatch(/could not be sent|no reply/);
  });
});

describe("Investigator ping by TCP", () => {
  it("a port that swallows connects - is Unknown when the time is over", async () => {
    // A stopped listener with a full queue: its kernel drops every further SYN, as a dead host would.
    const listener = execa(
      "node",
      [
        "-e",
        `const server = require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
         console.log(server.address().port);
       });`,
      ],
      { reject: false },
    );
    const sockets: Socket[] = [];
    try {
      const port = Number((await listener.iterable().next()).value);
      listener.kill("SIGSTOP");
      for (let no = 0; no < 8; no++) {
        const socket = connect({ port, host: "127.0.0.1" });
        socket.on("error", () => undefined);
        sockets.push(socket);
      }
      const finding = await createPing("false").investigate(
        { agentId: "a", ...describeHost("127.0.0.1", [port]) },
        { signal: new AbortController().signal, timeoutMs: 700 },
      );
      expect(finding.verdict).toBe("Unknown");
      expect(finding.evidence).toContain(`TCP port ${port}: no answer`);
    } finally {
      for (const socket of sockets) socket.destroy();
      listener.kill("SIGKILL");
      await listener;
    }
  });
});
