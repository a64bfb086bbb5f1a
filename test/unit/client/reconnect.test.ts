import { describe, expect, it } from "vitest";
import { CheckHealthCommand, ListVmsCommand, StopVmCommand } from "../../../src/api/index.ts";
import { startTcpProxy } from "../../helpers/tcp-proxy.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { succeeding, useFakes, type FakeGateway } from "./fake-gateway.ts";

const { startGateway, manager, closing } = useFakes();
const stopVm = new StopVmCommand({ vm: "a" });

describe("gateways that come and go", () => {
  it("the first is gone - the next one is asked, and so in turn", async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    await one.stop();
    const muster = manager([one, two]);
    expect(await muster.send("host-1", stopVm)).toMatchObject({ result: true });
    expect(two.calls).toHaveLength(1);
    const again = await startGateway(one.port);
    await two.stop();
    expect(await muster.send("host-1", stopVm)).toMatchObject({ result: true });
    expect(again.calls).toHaveLength(1);
  });

  it("one that goes away in the middle - durable calls go to the next, each as the same Request", async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    one.script = () => undefined;
    const muster = manager([one, two]);
    const sent = Promise.all(Array.from({ length: 50 }, () => muster.send("host-1", stopVm)));
    await waitUntil("all are sent", () => one.calls.length === 50);
    await one.stop();
    expect((await sent).every(({ result }) => result)).toBe(true);
    const ids = (gateway: FakeGateway) =>
      gateway.calls.map(({ requestId, commands }) => `${requestId ?? ""} ${commands[0]?.id ?? ""}`);
    expect(ids(two).sort()).toEqual(ids(one).sort());
  });

  it("one that stops - says that it has no news, and the next one is asked", async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    one.script = ({ commands }) => ({
      answers: commands.map(({ id }) => ({
        type: "ErrorAnswer",
        commandId: id,
        result: false,
        outcome: "unknown",
        errorCode: "NO_NEWS",
      })),
    });
    const sent = manager([one, two]).send("host-1", stopVm);
    await one.call("send");
    one.cut();
    expect(await sent).toMatchObject({ type: "StopVmAnswer", result: true });
  });

  it("a refusal by the second gateway - is unknown: the first may have taken the Request", async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    one.script = () => undefined;
    two.script = () => ({ problem: { code: "MAILBOX_FULL", detail: "full" } });
    const sent = manager([one, two]).send("host-1", stopVm);
    const refused = expect(sent).rejects.toMatchObject({
      code: "MAILBOX_FULL",
      outcome: "unknown",
    });
    await one.call("send");
    one.cut();
    await refused;
  });
});

describe("a call that is too large for the gateway", () => {
  it("it alone is refused - the others are asked again, and it is not", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const muster = manager([gateway]);
    const before = muster.send("host-1", stopVm);
    await gateway.call("send");
    const large = new StopVmCommand({ vm: "x".repeat(2_000_000) });
    const refused = expect(muster.send("host-1", large)).rejects.toMatchObject({
      code: "TOO_LARGE",
      outcome: "notSent",
    });
    const behind = muster.send("host-2", stopVm);
    gateway.script = (call) => ({ answers: succeeding(call) });
    await refused;
    expect([await before, await behind]).toMatchObject([{ result: true }, { result: true }]);
    expect(gateway.connections).toBe(2);
  });
});

describe("a connection that is half open", () => {
  it("silence - is found, and the call goes on over a new connection", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const proxy = await startTcpProxy(gateway.port);
    closing(() => proxy.close());
    const muster = manager(`http://127.0.0.1:${proxy.port}`, { silenceMs: 600 });
    const sent = muster.send("host-1", stopVm);
    const asked = muster.ask("host-1", new ListVmsCommand());
    const lost = expect(asked).rejects.toMatchObject({ code: "CONNECTION_LOST" });
    await gateway.call("ask");
    proxy.silence();
    await lost;
    gateway.script = (call) => ({ answers: succeeding(call) });
    proxy.resume();
    expect(await sent).toMatchObject({ result: true });
  });

  it("a gateway that is quiet but there - keeps its connection", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const muster = manager([gateway], { silenceMs: 300 });
    const sent = muster.send("host-1", stopVm);
    const call = await gateway.call("send");
    const startedMs = performance.now();
    await waitUntil("three times the limit has passed", () => performance.now() - startedMs > 900);
    gateway.reply(call, { answers: succeeding(call) });
    expect(await sent).toMatchObject({ result: true });
    expect(gateway.connections).toBe(1);
  });
});

describe("the direct lane and the gateways that hold agents", () => {
  it("an agent elsewhere - is asked there, and there at once the next time", async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    one.script = () => ({ problem: { code: "AGENT_ELSEWHERE", detail: "there", apiUrl: two.url } });
    const muster = manager([one]);
    await muster.ask("host-1", new CheckHealthCommand());
    await muster.ask("host-1", new CheckHealthCommand());
    expect([one.calls.length, two.calls.length]).toEqual([1, 2]);
  });

  it("a home that can't be reached - the first gateway is asked again, which knows better", async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    one.script = () => ({ problem: { code: "AGENT_ELSEWHERE", detail: "there", apiUrl: two.url } });
    const states: string[] = [];
    const muster = manager([one], { onStateChange: (_from, to) => states.push(to) });
    await muster.ask("host-1", new CheckHealthCommand());
    one.script = (call) => ({ answers: succeeding(call) });
    await two.stop();
    await waitUntil("its connection is gone", () => states.at(-1) === "idle");
    expect(await muster.ask("host-1", new CheckHealthCommand())).toMatchObject({ result: true });
  });

  it("a home that can't be reached, and no other - rejects soon: not sent", async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    one.script = () => ({ problem: { code: "AGENT_ELSEWHERE", detail: "there", apiUrl: two.url } });
    await two.stop();
    await expect(manager([one]).ask("host-1", new CheckHealthCommand())).rejects.toMatchObject({
      code: "NOT_CONNECTED",
      outcome: "notSent",
    });
  });

  it("two gateways that each name the other - are not asked for ever", async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    for (const [gateway, other] of [
      [one, two],
      [two, one],
    ] as const) {
      gateway.script = () => ({
        problem: { code: "AGENT_ELSEWHERE", detail: "there", apiUrl: other.url },
      });
    }
    await expect(manager([one]).ask("host-1", new CheckHealthCommand())).rejects.toMatchObject({
      code: "AGENT_ELSEWHERE",
    });
    expect(one.calls.length + two.calls.length).toBeLessThan(5);
  });
});

describe("close", () => {
  it("calls that wait - reject with CLOSED, on every lane", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const muster = manager([gateway]);
    const { signal } = new AbortController();
    const calls = [
      muster.send("host-1", stopVm),
      muster.send("host-1", stopVm, { signal }),
      muster.ask("host-1", stopVm),
      muster.sendBatch("host-1", [stopVm]),
      muster.submit("host-1", stopVm),
      muster.request("r-1"),
    ].map((call) => expect(call).rejects.toMatchObject({ code: "CLOSED", outcome: "unknown" }));
    await waitUntil("all are sent", () => gateway.calls.length === calls.length);
    await muster.close();
    await Promise.all(calls);
    await muster.close();
  });
});
