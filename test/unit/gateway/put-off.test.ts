import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDial, type Link, type LinkEnd } from "../../../src/agent/link.ts";
import { AgentServer } from "../../../src/gateway/agent-server.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const frameBytesMax = 65_536;
const log = pino({ level: "silent" });
const nothing = () => undefined;

/** A gateway's port for one handshake at a time, whose handshakes never end. */
function portOfOne() {
  let putOff = 0;
  const started: string[] = [];
  const server = new AgentServer(
    {
      host: "127.0.0.1",
      port: 0,
      tls: undefined,
      frameBytesMax,
      handshakesMax: 1,
      handshakeTimeoutMs: 60_000,
    },
    log,
    {
      onFrame: (_socket, frame) => started.push(frame.kind),
      onOtherVersion: nothing,
      onClosed: nothing,
      onHandshakeTimeout: nothing,
      onBusy: () => putOff++,
    },
  );
  return { server, started, putOff: () => putOff };
}

function dial(url: string) {
  const messages: string[] = [];
  let end: LinkEnd | undefined;
  const link: Link = createDial({ frameBytesMax })(url, {
    onOpen: () => {
      link.send('{"v":1,"kind":"error","code":"HELLO","message":""}');
    },
    onMessage: (data) => messages.push(data.toString()),
    onClosed: (how) => {
      end = how;
    },
  });
  return { link, messages, end: () => end };
}

describe("agent that is put off", () => {
  let port: ReturnType<typeof portOfOne>;
  let url = "";
  beforeEach(async () => {
    port = portOfOne();
    url = `ws://127.0.0.1:${await port.server.listen()}`;
  });
  afterEach(async () => {
    await port.server.close("over");
  });

  it("gateway that is full - opens no WebSocket, and says when to come back", async () => {
    const first = dial(`${url}/agent`);
    await waitUntil("a handshake is under way", () => port.started.length > 0);
    const second = dial(`${url}/agent`);
    const end = await waitUntil("the second is over", () => second.end());
    expect(end.code).toBe(4429);
    expect(second.messages).toHaveLength(1);
    const frame: unknown = JSON.parse(second.messages[0] ?? "");
    expect(frame).toMatchObject({ v: 1, kind: "error", code: "BUSY" });
    expect((frame as { readonly retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
    expect(port.putOff()).toBe(1);
    expect(first.end()).toBeUndefined();
    first.link.close(1000, "over");
  });

  it("other answers than a WebSocket - end the link, and carry no frame", async () => {
    const lost = dial(`${url}/elsewhere`);
    const end = await waitUntil("it is over", () => lost.end());
    expect(end).toEqual({ code: 1006, why: "Unexpected server response: 404" });
    expect(lost.messages).toEqual([]);
  });
});
