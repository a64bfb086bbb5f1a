import { afterEach, describe, expect, it, vi } from "vitest";
import { ListVmsCommand, StopVmCommand } from "../../../src/api/index.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { succeeding, useFakes } from "./fake-gateway.ts";

const { startGateway, manager } = useFakes();
const stopVm = new StopVmCommand({ vm: "a" });
const reason = new Error("the operator went home");

afterEach(() => {
  vi.useRealTimers();
});

describe("a signal that is aborted before anything was sent", () => {
  it.each(["send", "ask", "sendBatch", "askBatch", "submit", "request"] as const)(
    "%s - rejects, and sends nothing",
    async (method) => {
      const gateway = await startGateway();
      const muster = manager([gateway]);
      await muster.ask("host-1", new ListVmsCommand());
      const signal = AbortSignal.abort(reason);
      const calls = {
        send: () => muster.send("host-1", stopVm, { signal }),
        ask: () => muster.ask("host-1", stopVm, { signal }),
        sendBatch: () => muster.sendBatch("host-1", [stopVm], { signal }),
        askBatch: () => muster.askBatch("host-1", [stopVm], { signal }),
        submit: () => muster.submit("host-1", stopVm, { signal }),
        request: () => muster.request("r-1", { signal }),
      };
      await expect(calls[method]()).rejects.toMatchObject({
        code: "ABORTED",
        outcome: method === "request" ? "unknown" : "notSent",
        cause: reason,
      });
      await muster.ask("host-1", new ListVmsCommand());
      expect(gateway.calls.map((call) => call.commands[0]?.type)).toEqual(["ListVms", "ListVms"]);
    },
  );

  it.each(["send", "ask", "submit"] as const)(
    "%s while no gateway is there - rejects with notSent, and is not sent later",
    async (method) => {
      const gateway = await startGateway();
      const { port } = gateway;
      await gateway.stop();
      const muster = manager(`http://127.0.0.1:${port}`);
      const abort = new AbortController();
      const call = muster[method]("host-1", stopVm, { signal: abort.signal });
      const rejected = expect(call).rejects.toMatchObject({ code: "ABORTED", outcome: "notSent" });
      abort.abort();
      await rejected;
      const again = await startGateway(port);
      await muster.send("host-1", new ListVmsCommand());
      expect(again.calls.map((seen) => seen.commands[0]?.type)).toEqual(["ListVms"]);
    },
  );
});

describe("a signal that is aborted in the middle", () => {
  it("ask - rejects at once; the gateway is told which call, and its late reply harms nothing", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const muster = manager([gateway]);
    const abort = new AbortController();
    const asked = muster.ask("host-1", new ListVmsCommand(), { signal: abort.signal });
    const call = await gateway.call("ask");
    const rejected = expect(asked).rejects.toMatchObject({ code: "ABORTED", outcome: "unknown" });
    abort.abort(reason);
    await rejected;
    expect(await gateway.call("cancel")).toMatchObject({ callId: call.id, reason: reason.message });
    gateway.reply(call, { answers: succeeding(call) });
    gateway.script = (next) => ({ answers: succeeding(next) });
    expect(await muster.ask("host-1", new ListVmsCommand())).toMatchObject({ result: true });
  });

  it("send - cancels the Request, and settles with its one Answer", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const muster = manager([gateway]);
    const abort = new AbortController();
    const sent = muster.send("host-1", stopVm, { signal: abort.signal });
    const call = await gateway.call("send");
    abort.abort(reason);
    const cancel = await gateway.call("cancel");
    expect(cancel).toMatchObject({ requestId: call.requestId, reason: reason.message });
    gateway.reply(cancel, { result: "asked" });
    gateway.reply(call, {
      answers: [
        { type: "StopVmAnswer", commandId: "c", result: false, errorCode: "STOPPED_MIDWAY" },
      ],
    });
    expect(await sent).toMatchObject({ type: "StopVmAnswer", errorCode: "STOPPED_MIDWAY" });
  });

  it("send that is on its way - is cancelled as soon as it is known", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const muster = manager([gateway]);
    const abort = new AbortController();
    const sent = muster.send("host-1", stopVm, { signal: abort.signal });
    const call = await gateway.call("send");
    abort.abort();
    gateway.refuse(await gateway.call("cancel", 0), "REQUEST_UNKNOWN");
    gateway.refuse(await gateway.call("cancel", 1), "REQUEST_UNKNOWN");
    gateway.reply(await gateway.call("cancel", 2), { result: "cancelled" });
    const answer = { type: "ErrorAnswer", commandId: "c", result: false, errorCode: "CANCELLED" };
    gateway.reply(call, { answers: [{ ...answer, outcome: "notSent" }] });
    expect(await sent).toMatchObject({ errorCode: "CANCELLED", outcome: "notSent" });
  });

  it("send - rejects with unknown when the Answer does not come in time", async () => {
    const gateway = await startGateway();
    gateway.script = ({ method }) => (method === "cancel" ? { result: "asked" } : undefined);
    const muster = manager([gateway]);
    const abort = new AbortController();
    const sent = muster.send("host-1", stopVm, { signal: abort.signal, requestId: "r-1" });
    await gateway.call("send");
    const rejected = expect(sent).rejects.toMatchObject({
      code: "ABORTED",
      outcome: "unknown",
      requestId: "r-1",
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    abort.abort();
    await gateway.call("cancel");
    vi.advanceTimersByTime(5_000);
    await rejected;
    expect(gateway.callsOf("cancel")).toHaveLength(1);
  });

  it("send whose connection is lost then - is not sent again: its record is asked for", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const muster = manager([gateway]);
    const abort = new AbortController();
    const sent = muster.send("host-1", stopVm, { signal: abort.signal, requestId: "r-1" });
    await gateway.call("send");
    abort.abort();
    await gateway.call("cancel");
    gateway.script = ({ method }) => {
      if (method === "cancel") return { result: "settled" };
      const answers = [{ type: "StopVmAnswer", commandId: "c", result: true }];
      return {
        request: { requestId: "r-1", agentId: "host-1", seq: 1, state: "settled", answers },
      };
    };
    gateway.cut();
    expect(await sent).toMatchObject({ type: "StopVmAnswer", result: true });
    expect(gateway.callsOf("send")).toHaveLength(1);
  });

  it("send whose connection was lost before - is not sent again either", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const other = await startGateway();
    other.script = ({ method }) => {
      const answers = [{ type: "StopVmAnswer", commandId: "c", result: true }];
      return method === "request"
        ? { request: { requestId: "r-1", agentId: "host-1", seq: 1, state: "settled", answers } }
        : { result: "settled" };
    };
    const abort = new AbortController();
    const muster = manager([gateway, other], {
      onStateChange: (_from, to) => {
        if (to === "waiting") abort.abort();
      },
    });
    const sent = muster.send("host-1", stopVm, { signal: abort.signal, requestId: "r-1" });
    await gateway.call("send");
    gateway.cut();
    expect(await sent).toMatchObject({ result: true });
    expect(other.callsOf("send")).toHaveLength(0);
    expect(other.callsOf("cancel")).toHaveLength(1);
  });

  it("submit - rejects at once; what may have been admitted is cancelled", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const muster = manager([gateway]);
    const abort = new AbortController();
    const submitted = muster.submit("host-1", stopVm, { signal: abort.signal, requestId: "r-1" });
    await gateway.call("submit");
    const rejected = expect(submitted).rejects.toMatchObject({ code: "ABORTED", requestId: "r-1" });
    abort.abort();
    await rejected;
    expect(await gateway.call("cancel")).toMatchObject({ requestId: "r-1" });
  });

  it("one signal for many calls - aborts them all, and warns of nothing", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const muster = manager([gateway]);
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    const abort = new AbortController();
    const { signal } = abort;
    const asked = Array.from({ length: 100 }, () =>
      muster.ask("host-1", new ListVmsCommand(), { signal }),
    );
    const all = Promise.allSettled(asked);
    await waitUntil("all are asked", () => gateway.callsOf("ask").length === 100);
    abort.abort();
    const settled = await all;
    expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(100);
    await waitUntil("all are cancelled", () => gateway.callsOf("cancel").length === 100);
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  it("a call that is answered - is not touched by a later abort", async () => {
    const gateway = await startGateway();
    const muster = manager([gateway]);
    const abort = new AbortController();
    await muster.send("host-1", stopVm, { signal: abort.signal });
    await muster.ask("host-1", new ListVmsCommand(), { signal: abort.signal });
    abort.abort();
    await muster.ask("host-1", new ListVmsCommand());
    expect(gateway.callsOf("cancel")).toEqual([]);
  });
});
