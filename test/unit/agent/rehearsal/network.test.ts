import { describe, expect, it } from "vitest";
import type { Link, LinkEnd, LinkListener } from "../../../../src/agent/link.ts";
import { HostNetwork } from "../../../../src/agent/rehearsal/network.ts";
import { waitUntil } from "../../../helpers/wait-until.ts";

/** A gateway's end of one link. */
class FarEnd implements Link {
  readonly queuedBytes = 0;
  readonly got: string[] = [];
  readonly listener: LinkListener;
  ended: string | undefined;

  constructor(listener: LinkListener) {
    this.listener = listener;
  }
  send(text: string, onWritten?: () => void): void {
    this.got.push(text);
    onWritten?.();
  }
  close(code: number, why: string): void {
    this.ended = "closed";
    this.listener.onClosed({ code, why });
  }
  drop(why: string): void {
    this.ended = "dropped";
    this.listener.onClosed({ code: 1006, why });
  }
}

function dialOver(network: HostNetwork) {
  const far: FarEnd[] = [];
  const heard: string[] = [];
  const ends: LinkEnd[] = [];
  const link = network.wire((_url, listener) => {
    const end = new FarEnd(listener);
    far.push(end);
    return end;
  })("ws://gateway", {
    onOpen: () => heard.push("open"),
    onMessage: (data) => heard.push(String(data)),
    onClosed: (end) => ends.push(end),
  });
  return { link, far, heard, ends };
}

describe("network of a simulated host", () => {
  it("silent network - nothing gets through either way, no socket is closed; afterwards the session goes on", () => {
    const network = new HostNetwork();
    const { link, far, heard, ends } = dialOver(network);
    network.change("silent");
    far[0]?.listener.onMessage("lost");
    link.send("lost");
    expect([heard, far[0]?.got, far[0]?.ended, ends]).toEqual([[], [], undefined, []]);
    network.change("up");
    far[0]?.listener.onMessage("hello");
    link.send("ping");
    expect([heard, far[0]?.got]).toEqual([["hello"], ["ping"]]);
  });

  it("silent network - what the agent gives up stays half-open until the network is back, then it is reset", () => {
    const network = new HostNetwork();
    const { link, far, ends } = dialOver(network);
    network.change("silent");
    link.close(4_000, "silent");
    expect(ends).toEqual([{ code: 4_000, why: "silent" }]);
    expect(far[0]?.ended).toBeUndefined();
    network.change("up");
    expect(far[0]?.ended).toBe("dropped");
    expect(ends).toHaveLength(1);
  });

  it("silent network - the gateway's close is heard when the network is back", () => {
    const network = new HostNetwork();
    const { far, ends } = dialOver(network);
    network.change("silent");
    far[0]?.listener.onClosed({ code: 4_001, why: "silent" });
    expect(ends).toEqual([]);
    network.change("up");
    expect(ends).toEqual([{ code: 4_001, why: "silent" }]);
  });

  it("silent network - who dials hears nothing until it is back", () => {
    const network = new HostNetwork();
    network.change("silent");
    const { far, ends } = dialOver(network);
    expect([far, ends]).toEqual([[], []]);
    network.change("up");
    expect(ends).toHaveLength(1);
  });

  it("network that is down - sockets end, and dialling fails at once, until it is up", async () => {
    const network = new HostNetwork();
    const before = dialOver(network);
    network.change("down");
    expect([before.far[0]?.ended, before.ends.length]).toEqual(["dropped", 1]);
    const during = dialOver(network);
    await waitUntil("the dial has failed", () => during.ends.length === 1);
    expect(during.far).toEqual([]);
    network.change("up");
    expect(dialOver(network).far).toHaveLength(1);
  });
});
