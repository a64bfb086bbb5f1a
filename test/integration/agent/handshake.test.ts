import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import {
  agentOptions,
  joinedLater,
  makeHome,
  startAgent,
  startGateway,
} from "./agent-under-test.ts";

describe("handshake", () => {
  test("hello - says who the agent is, proves it and describes each resource", async () => {
    const gateway = await startGateway();
    const home = makeHome();
    startAgent(agentOptions(home, [gateway.url]));
    const session = await gateway.session();
    const secret = readFileSync(join(home.agentDirectory, "secret"), "utf8").trim();
    expect(session.hello?.hello).toEqual({
      agentId: "a1",
      credentials: { secret, joinToken: "join-token-of-this-test" },
      software: expect.stringMatching(/^muster-agent\/\d/) as string,
    });
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(session.hello?.commands).toEqual([
      expect.objectContaining({
        type: "Startup",
        name: "host",
        resourceType: "simulator",
        zone: "z1",
        cluster: "c1",
        commandTypes: expect.objectContaining({
          SimulatorReport: expect.anything() as object,
        }) as object,
      }),
    ]);
  });

  test("identity - nobody else may read it and it stays the same over restarts", async () => {
    const gateway = await startGateway();
    const home = makeHome();
    const first = startAgent(agentOptions(home, [gateway.url]));
    await gateway.session(0);
    await first.stop();
    startAgent(agentOptions(home, [gateway.url]));
    await gateway.session(1);
    const [one, two] = gateway.sessions.map(({ hello }) => hello?.hello?.credentials.secret);
    expect(two).toBe(one);
    expect(statSync(join(home.agentDirectory, "secret")).mode & 0o777).toBe(0o600);
    expect(statSync(home.agentDirectory).mode & 0o777).toBe(0o700);
  });

  test("refusal - the agent tries again and is admitted once the reason is gone", async () => {
    let refusals = 0;
    const gateway = await startGateway({
      admit: () =>
        ++refusals <= 2
          ? {
              result: false,
              errorCode: "CLUSTER_UNKNOWN",
              details: "Declare it.",
              retryAfterMs: 10,
            }
          : {},
    });
    startAgent(agentOptions(makeHome(), [gateway.url]));
    await gateway.session(2);
    expect(refusals).toBe(3);
  });

  test("dead gateway - the next of the list is tried at once", async () => {
    const dead = await startGateway();
    const deadUrl = dead.url;
    await dead.stop();
    const gateway = await startGateway();
    startAgent(agentOptions(makeHome(), [deadUrl, gateway.url]));
    expect((await gateway.session()).isOpen).toBe(true);
  });

  test("busy gateway - its retryAfterMs is honoured", async () => {
    let askedAtMs = 0;
    let cameAfterMs = 0;
    const gateway = await startGateway({
      admit: () => {
        if (askedAtMs > 0) {
          cameAfterMs = performance.now() - askedAtMs;
          return {};
        }
        askedAtMs = performance.now();
        return { result: false, errorCode: "BUSY", details: "Later.", retryAfterMs: 1_500 };
      },
    });
    startAgent(agentOptions(makeHome(), [gateway.url]));
    await gateway.session(1);
    expect(cameAfterMs).toBeGreaterThanOrEqual(1_490);
  });

  test("learnt gateways - the agent goes there when its own is gone", async () => {
    const other = await startGateway();
    const gateway = await startGateway({ gateways: [other.url] });
    startAgent(agentOptions(makeHome(), [gateway.url]));
    const session = await gateway.session();
    session.ws.close(1001, "going away");
    expect((await other.session()).isOpen).toBe(true);
  });

  test("a gateway that joined later - is tried when its own dies: pings tell of it", async () => {
    const { here, there } = await joinedLater((url, home) => startAgent(agentOptions(home, [url])));
    await here.stop();
    expect((await there.session()).isOpen).toBe(true);
  });

  test("second container with the same home and id - refuses to start", async () => {
    const gateway = await startGateway();
    const home = makeHome();
    startAgent(agentOptions(home, [gateway.url]));
    await gateway.session();
    const second = startAgent(agentOptions(home, [gateway.url]));
    await expect(second.ended).rejects.toMatchObject({ code: "AGENT_RUNNING" });
    expect(gateway.sessions).toHaveLength(1);
  });

  test("rubbish from the gateway - the session ends and a new one begins", async () => {
    const gateway = await startGateway();
    startAgent(agentOptions(makeHome(), [gateway.url]));
    const session = await gateway.session();
    session.ws.send("{rubbish");
    expect(await session.closed).toBe(4400);
    await gateway.session(1);
  });
});

describe("link", () => {
  test("pings - carry what each resource says and follow the manager's interval", async () => {
    const gateway = await startGateway({ pingIntervalMs: 60 });
    startAgent(agentOptions(makeHome(), [gateway.url], { vms: 1 }));
    const session = await gateway.session();
    await waitUntil("three pings", () => session.requests("Ping").length >= 3);
    expect(session.requests("Ping")[0]?.["resources"]).toEqual([
      { name: "host", healthy: true, workloads: { "vm-1": "On" } },
    ]);
  });

  test("pings without Answers - the agent opens a new session", async () => {
    const gateway = await startGateway({ pingIntervalMs: 60, answerPings: false });
    startAgent(agentOptions(makeHome(), [gateway.url]));
    const session = await gateway.session();
    expect(await session.closed).toBe(4410);
    expect(session.requests("Ping")).toHaveLength(3);
    await gateway.session(1);
  });

  test("Reconnect - is answered, then the agent opens a new session", async () => {
    const gateway = await startGateway();
    startAgent(agentOptions(makeHome(), [gateway.url]));
    const session = await gateway.session();
    const answer = await session.command({ type: "Reconnect", id: "r", details: "operator" });
    expect(answer).toMatchObject({ type: "ReconnectAnswer", commandId: "r", result: true });
    expect(await session.closed).toBe(4412);
    await gateway.session(1);
  });

  test("superseded - the agent says loudly what to do about it", async () => {
    const gateway = await startGateway();
    const agent = startAgent(agentOptions(makeHome(), [gateway.url]));
    const session = await gateway.session();
    session.ws.close(4409, "superseded");
    const line = await waitUntil("it is logged", () =>
      agent.lines.find((one) => one.includes("another session of agent a1 took over")),
    );
    expect(JSON.parse(line)).toMatchObject({ level: 50, code: 4409 });
  });

  test("goodbye - a stopped agent says why and closes", async () => {
    const gateway = await startGateway();
    const options = agentOptions(makeHome(), [gateway.url]);
    const agent = startAgent({ ...options, shutdownReason: "upgrade" });
    const session = await gateway.session();
    await agent.stop();
    expect(session.requests("Shutdown")).toEqual([
      { type: "Shutdown", id: "shutdown", reason: "upgrade" },
    ]);
    expect(await session.closed).toBe(1000);
  });
});
