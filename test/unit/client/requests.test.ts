import { describe, expect, it } from "vitest";
import { ListVmsCommand, StopVmCommand } from "../../../src/api/index.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { useFakes, type Message } from "./fake-gateway.ts";

const { startGateway, manager } = useFakes();
const stopVm = new StopVmCommand({ vm: "a", id: "c-1" });
const answers = [{ type: "StopVmAnswer", commandId: "c-1", result: true }];
const admitted = { requestId: "r-1", seq: 7, state: "pending", waitMs: 60_000 };
const view = (more: Message): Message => ({
  request: {
    requestId: "r-1",
    agentId: "host-1",
    seq: 7,
    handed: true,
    commands: [{ id: "c-1", type: "StopVm" }],
    ...more,
  },
});
const pending = view({ state: "pending", waitLeftMs: 50_000 });
const settled = view({ state: "settled", answers });

describe("submit", () => {
  it("a Request that is admitted - gives a handle, and waits for its Answers later", async () => {
    const gateway = await startGateway();
    gateway.script = ({ method }) => (method === "submit" ? admitted : undefined);
    const muster = manager([gateway]);
    const handle = await muster.submit("host-1", stopVm, { requestId: "r-1", waitSeconds: 60 });
    expect(handle).toMatchObject({ requestId: "r-1", agentId: "host-1", seq: 7 });
    expect(gateway.callsOf("submit")[0]).toMatchObject({
      agentId: "host-1",
      requestId: "r-1",
      waitSeconds: 60,
      commands: [{ type: "StopVm", vm: "a", id: "c-1" }],
    });
    const result = handle.result();
    gateway.reply(await gateway.call("request", 0), pending);
    const second = await gateway.call("request", 1);
    expect(second).toMatchObject({ requestId: "r-1", waitSeconds: 30 });
    gateway.reply(second, settled);
    expect(await result).toMatchObject({ type: "StopVmAnswer", result: true });
    // What is settled stays so: nobody is asked again.
    expect(await handle.result()).toMatchObject({ type: "StopVmAnswer" });
    expect(gateway.callsOf("request")).toHaveLength(2);
  });

  it("a Request that was settled before - gives its Answers without asking", async () => {
    const gateway = await startGateway();
    gateway.script = () => ({ ...admitted, state: "settled", answers });
    const handle = await manager([gateway]).submitBatch("host-1", [stopVm, new ListVmsCommand()]);
    expect(await handle.result()).toEqual(answers);
    expect(gateway.callsOf("request")).toEqual([]);
  });

  it("a refusal - rejects with the gateway's code", async () => {
    const gateway = await startGateway();
    gateway.script = () => ({ problem: { code: "RESOURCE_STATE", detail: "Maintenance" } });
    await expect(manager([gateway]).submit("host-1", stopVm)).rejects.toMatchObject({
      code: "RESOURCE_STATE",
      outcome: "notSent",
    });
  });

  it("a lost connection - is submitted again as the same Request", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const submitted = manager([gateway]).submit("host-1", stopVm);
    const first = await gateway.call("submit", 0);
    gateway.cut();
    const second = await gateway.call("submit", 1);
    expect({ ...second, id: first.id }).toEqual(first);
    gateway.reply(second, admitted);
    expect((await submitted).seq).toBe(7);
  });
});

describe("request", () => {
  it("any process - gets a handle by the request id alone", async () => {
    const gateway = await startGateway();
    gateway.script = ({ method }) => (method === "cancel" ? { result: "asked" } : pending);
    const handle = await manager([gateway]).request("r-1");
    expect(handle).toMatchObject({ requestId: "r-1", agentId: "host-1", seq: 7 });
    expect(await handle.view()).toMatchObject({ state: "pending", handed: true });
    expect(await handle.cancel("not needed")).toBe("asked");
    expect(gateway.callsOf("cancel")[0]).toMatchObject({
      requestId: "r-1",
      reason: "not needed",
    });
    gateway.script = () => settled;
    expect(await handle.result()).toEqual(answers);
  });

  it("an id that nobody knows - rejects", async () => {
    const gateway = await startGateway();
    gateway.script = () => ({ problem: { code: "REQUEST_UNKNOWN", detail: "never sent" } });
    await expect(manager([gateway]).request("r-1")).rejects.toMatchObject({
      code: "REQUEST_UNKNOWN",
      outcome: "unknown",
    });
  });
});

describe("result", () => {
  it("a lost connection - goes on waiting over the next one, at another gateway", async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    one.script = ({ method }) => (method === "submit" ? admitted : undefined);
    two.script = () => settled;
    const handle = await manager([one, two]).submit("host-1", stopVm);
    const result = handle.result();
    await one.call("request");
    one.cut();
    expect(await result).toMatchObject({ result: true });
    expect(two.callsOf("submit")).toEqual([]);
  });

  it("a signal that is aborted - ends the waiting alone", async () => {
    const gateway = await startGateway();
    gateway.script = ({ method }) => (method === "submit" ? admitted : undefined);
    const handle = await manager([gateway]).submit("host-1", stopVm);
    const abort = new AbortController();
    const result = handle.result({ signal: abort.signal });
    const rejected = expect(result).rejects.toMatchObject({ code: "ABORTED", outcome: "unknown" });
    await gateway.call("request");
    abort.abort();
    await rejected;
    await expect(handle.result({ signal: abort.signal })).rejects.toMatchObject({
      code: "ABORTED",
      outcome: "unknown",
    });
    gateway.script = () => settled;
    expect(await handle.result()).toMatchObject({ result: true });
    expect(gateway.callsOf("cancel")).toEqual([]);
  });

  it("a gateway that does not hold the question - is asked again after a pause, not in a rush", async () => {
    const gateway = await startGateway();
    gateway.script = ({ method }) => (method === "submit" ? admitted : pending);
    const handle = await manager([gateway]).submit("host-1", stopVm);
    const result = handle.result();
    const startedMs = performance.now();
    await waitUntil("it was asked three times", () => gateway.callsOf("request").length === 3);
    expect(performance.now() - startedMs).toBeGreaterThan(400);
    gateway.script = () => settled;
    expect(await result).toMatchObject({ result: true });
  });
});
