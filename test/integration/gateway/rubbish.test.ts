import { connect as connectTcp, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isCommand, isError, newSecret, TestAgent } from "./test-agent.ts";
import { joinToken, startTestGateway, testConfig, useGateway, useWorker } from "./test-gateway.ts";

const database = useDatabase();
const temporal = useTemporal();
useWorker(temporal, database);
const shared = useGateway(temporal, database, {
  MUSTER_FRAME_BYTES_MAX: "65536",
  MUSTER_HANDSHAKE_TIMEOUT_MS: "60000",
});
const open: { close: () => void }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function dial(url = shared.gateway.agentUrl): Promise<TestAgent> {
  const agent = await TestAgent.dial(url);
  open.push(agent);
  return agent;
}
async function goodAgent(): Promise<TestAgent> {
  const agent = await TestAgent.connect(shared.gateway.agentUrl, { joinToken });
  open.push(agent);
  return agent;
}
/** A good agent's pings are answered before and after; that is what "harms nobody" means. */
async function harmsNobody(harm: () => Promise<void>): Promise<void> {
  const good = await goodAgent();
  await harm();
  const id = good.ping();
  await good.next("a PingAnswer", (frame) => frame.answers?.[0]?.commandId === id);
  expect(good.closed).toBeUndefined();
}

const hello = {
  v: 1,
  kind: "request",
  lane: "session",
  seq: 1,
  hello: { agentId: "a", credentials: { secret: newSecret(), joinToken }, software: "t" },
  commands: [
    {
      type: "Startup",
      id: "1",
      name: "h",
      resourceType: "simulator",
      zone: "z",
      cluster: "c",
      version: "1",
    },
  ],
};
const deep = `${"[".repeat(200)}${"]".repeat(200)}`;
const cases: readonly [string, string | Buffer, number, string | undefined][] = [
  ["binary", Buffer.from([0, 1, 2, 255]), 4400, "NOT_JSON"],
  ["no JSON", "hello?", 4400, "NOT_JSON"],
  ["deep JSON", `{"v":1,"kind":"request","x":${deep}}`, 4400, "TOO_DEEP"],
  ["oversize", `"${"x".repeat(70_000)}"`, 1009, undefined],
  ["wrong types", JSON.stringify({ ...hello, seq: "one" }), 4400, "WRONG_SHAPE"],
  ["another version", JSON.stringify({ ...hello, v: 2 }), 4403, "UNSUPPORTED_VERSION"],
  [
    "a Startup Command without its zone",
    JSON.stringify({ ...hello, commands: [{ ...hello.commands[0], zone: undefined }] }),
    4400,
    "WRONG_SHAPE",
  ],
  [
    "a Command before the handshake",
    JSON.stringify({ ...hello, hello: undefined, commands: [{ type: "Ping", id: "1" }] }),
    4400,
    "WRONG_SHAPE",
  ],
  [
    "Answers before the handshake",
    JSON.stringify({ v: 1, kind: "response", lane: "durable", seq: 1, answers: [] }),
    4400,
    "WRONG_SHAPE",
  ],
  [
    "an error frame before the handshake",
    JSON.stringify({ v: 1, kind: "error", code: "X", message: "x" }),
    4400,
    "WRONG_SHAPE",
  ],
];

describe("rubbish", () => {
  it.each(cases)(
    "rubbish - %s gets an error frame and a close code, harms nobody",
    async (_, message, code, error) => {
      await harmsNobody(async () => {
        const agent = await dial();
        const before = shared.gateway.lines.length;
        agent.socket.send(message);
        expect((await agent.untilClosed()).code).toBe(code);
        if (error !== undefined) {
          expect(agent.frames.filter((frame) => isError(frame, error))).toHaveLength(1);
        }
        const lines = shared.gateway.lines.slice(before);
        const about = lines.filter((line) => line["code"] === code);
        expect(about).toHaveLength(1);
      });
    },
  );

  it("rubbish - after the handshake it ends that session only", async () => {
    await harmsNobody(async () => {
      const agent = await goodAgent();
      agent.send({
        kind: "request",
        lane: "durable",
        seq: 1,
        commands: [{ type: "StartVm", id: "1" }],
      });
      expect((await agent.untilClosed()).code).toBe(4400);
    });
  });

  it("rubbish - plain HTTP and other sub-protocols are told what to do", async () => {
    const url = shared.gateway.agentUrl.replace("ws:", "http:");
    const plain = await fetch(url);
    expect(plain.status).toBe(426);
    expect(await plain.text()).toContain("muster.v1");
    const other = new WebSocket(shared.gateway.agentUrl, "chat");
    other.on("error", () => undefined);
    const status = await new Promise((resolve) => {
      other.once("unexpected-response", (_request, response) => {
        resolve(response.statusCode);
        response.destroy();
      });
    });
    expect(status).toBe(400);
  });

  it("rubbish - a thousand idle half-open sockets do not keep a good agent out", async () => {
    const { hostname, port } = new URL(shared.gateway.agentUrl);
    const tcp: Socket[] = [];
    for (let i = 0; i < 500; i++) {
      const socket = connectTcp(Number(port), hostname);
      socket.on("error", () => undefined);
      // Half of them begin a request and never end it.
      if (i % 2 === 0) socket.write("GET /agent HTTP/1.1\r\nHost: x\r\n");
      tcp.push(socket);
      open.push({ close: () => socket.destroy() });
    }
    for (let i = 0; i < 500; i++) await dial();
    await waitUntil("all are connected", () => tcp.every((socket) => !socket.connecting));
    await harmsNobody(async () => {
      await goodAgent();
    });
    expect(await shared.gateway.metrics()).toMatch(/muster_gateway_sockets_opening 500\b/);
  });

  it("rubbish - idle sockets are closed when their time for the handshake is over", async () => {
    const config = testConfig(temporal, database.url, { MUSTER_HANDSHAKE_TIMEOUT_MS: "300" });
    const gateway = await startTestGateway(config);
    try {
      const { hostname, port } = new URL(gateway.agentUrl);
      const tcp = connectTcp(Number(port), hostname);
      tcp.on("error", () => undefined);
      const tcpClosed = new Promise((resolve) => tcp.once("close", resolve));
      tcp.resume();
      const silent = await dial(gateway.agentUrl);
      expect((await silent.untilClosed()).code).toBe(4408);
      expect(silent.frames.some((frame) => isError(frame, "HANDSHAKE_TIMEOUT"))).toBe(true);
      // On a busy machine the time may be over before Ready was sent, which is as right, but not this case.
      const codes = new Set<number>();
      await waitUntil("one is closed after its Ready", async () => {
        const unready = await TestAgent.hello(gateway.agentUrl, { joinToken });
        codes.add((await unready.untilClosed()).code);
        return unready.frames.some((frame) => isCommand(frame, "Ready"));
      });
      expect([...codes]).toEqual([4408]);
      await tcpClosed;
    } finally {
      await gateway.stop();
    }
  });

  it("rubbish - a peer that does not read is closed and holds no more than its queue", async () => {
    const agent = await goodAgent();
    (agent.socket as unknown as { _socket: Socket })._socket.pause();
    // Each unread PingAnswer waits in the gateway; no agent pings like this.
    let sent = 0;
    const flood = setInterval(() => {
      for (let i = 0; i < 2_000 && agent.socket.bufferedAmount < 1_000_000; i++, sent++)
        agent.ping();
    }, 5);
    try {
      await waitUntil("the gateway gives up", () =>
        shared.gateway.lines.some((line) => line["code"] === 4413),
      );
    } finally {
      clearInterval(flood);
    }
    expect(sent).toBeGreaterThan(100);
  });

  it("storm - beyond the handshakes at once agents are told when to come back, and get in then", async () => {
    const config = testConfig(temporal, database.url, { MUSTER_HANDSHAKES_MAX: "1" });
    const gateway = await startTestGateway(config);
    try {
      const agents = await Promise.all(
        Array.from({ length: 20 }, () => TestAgent.dial(gateway.agentUrl)),
      );
      open.push(...agents);
      for (const agent of agents) agent.sayHello({ joinToken });
      const busy = await waitUntil("some are refused", () => {
        const refused = agents.filter((agent) => agent.closed?.code === 4429);
        return refused.length > 0 ? refused : undefined;
      });
      for (const agent of busy) {
        const error = agent.frames.find((frame) => isError(frame, "BUSY"));
        expect(error?.retryAfterMs).toBeGreaterThan(0);
      }
      const admitted = agents.filter((agent) => agent.closed === undefined);
      expect(admitted.length).toBeGreaterThan(0);
      for (const agent of admitted) await agent.finishHandshake();
      const again = await TestAgent.connect(gateway.agentUrl, { joinToken });
      open.push(again);
      expect(again.epoch).toBe(1);
    } finally {
      await gateway.stop();
    }
  });
});
