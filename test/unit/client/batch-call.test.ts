import { describe, expect, it } from "vitest";
import { ListVmsCommand, StartVmCommand, StopVmCommand } from "../../../src/api/index.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { succeeding, useFakes, type FakeGateway, type SeenCall } from "./fake-gateway.ts";

const { startGateway, manager } = useFakes();
const commands = [
  new StopVmCommand({ vm: "a" }),
  new StartVmCommand({ vm: "b" }),
  new ListVmsCommand(),
] as const;

/** Tells the caller of one Answer of a batch. */
function tell(gateway: FakeGateway, call: SeenCall, index: number): void {
  gateway.reply(call, { progress: { index, answer: succeeding(call)[index] } });
}

describe("a batch that is awaited", () => {
  it.each(["sendBatch", "askBatch"] as const)(
    "%s - gives all Answers in order, and asks for no progress",
    async (method) => {
      const gateway = await startGateway();
      const answers = await manager([gateway])[method]("host-1", commands, { onError: "continue" });
      expect(answers.map(({ type }) => type)).toEqual([
        "StopVmAnswer",
        "StartVmAnswer",
        "ListVmsAnswer",
      ]);
      const [call] = gateway.calls;
      expect(call).toMatchObject({ method: method.replace("Batch", ""), onError: "continue" });
      expect(call).not.toHaveProperty("progress");
    },
  );

  it("no Commands - rejects, and sends nothing", async () => {
    const gateway = await startGateway();
    await expect(manager([gateway]).sendBatch("host-1", [])).rejects.toThrow(TypeError);
    expect(gateway.calls).toEqual([]);
  });

  it("catch and finally - work as those of any promise", async () => {
    const gateway = await startGateway();
    gateway.script = (call) => {
      gateway.refuse(call, "MAILBOX_FULL");
      return undefined;
    };
    const muster = manager([gateway]);
    let ended = 0;
    const call = muster.sendBatch("host-1", commands).finally(() => ended++);
    expect(await call.catch((error: unknown) => error)).toMatchObject({ code: "MAILBOX_FULL" });
    expect(ended).toBe(1);
    expect(await muster.sendBatch("host-1", commands).catch(() => "caught")).toBe("caught");
  });
});

describe("a batch that is iterated", () => {
  it.each(["sendBatch", "askBatch"] as const)(
    "%s - gives each Answer as it comes, with its Command, and all of them at the end",
    async (method) => {
      const gateway = await startGateway();
      gateway.script = () => undefined;
      const call = manager([gateway])[method]("host-1", commands);
      const iterator = call[Symbol.asyncIterator]();
      const first = iterator.next();
      const seen = await gateway.call(method.replace("Batch", ""));
      expect(seen.progress).toBe(true);
      tell(gateway, seen, 1);
      expect((await first).value).toMatchObject({
        index: 1,
        command: { vm: "b" },
        answer: { type: "StartVmAnswer", commandId: seen.commands[1]?.id },
      });
      tell(gateway, seen, 0);
      expect((await iterator.next()).value).toMatchObject({ index: 0, command: { vm: "a" } });
      gateway.reply(seen, { answers: succeeding(seen) });
      expect((await iterator.next()).value).toMatchObject({ index: 2 });
      expect((await iterator.next()).done).toBe(true);
      expect(await call).toHaveLength(3);
    },
  );

  it("a lost connection - each Answer is given once, and none is missing", async () => {
    const [one, two] = [await startGateway(), await startGateway()];
    for (const gateway of [one, two]) gateway.script = () => undefined;
    const call = manager([one, two]).sendBatch("host-1", commands);
    const indexes: number[] = [];
    const reading = (async () => {
      for await (const { index } of call) indexes.push(index);
    })();
    const before = await one.call("send");
    tell(one, before, 1);
    await waitUntil("the first Answer is read", () => indexes.length === 1);
    one.cut();
    const after = await two.call("send");
    expect(after).toMatchObject({ requestId: before.requestId, progress: true });
    expect(after.commands).toEqual(before.commands);
    tell(two, after, 1);
    tell(two, after, 2);
    tell(two, after, 2);
    tell(two, after, 9);
    two.reply(after, { answers: succeeding(after) });
    await reading;
    expect(indexes).toEqual([1, 2, 0]);
    expect((await call).map(({ commandId }) => commandId)).toEqual(
      before.commands.map(({ id }) => id),
    );
  });

  it("a call that fails - ends the loop with its error, behind what came before", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const call = manager([gateway]).askBatch("host-1", commands);
    const indexes: number[] = [];
    const reading = (async () => {
      for await (const { index } of call) indexes.push(index);
    })();
    const failed = expect(reading).rejects.toMatchObject({ code: "CONNECTION_LOST" });
    const seen = await gateway.call("ask");
    tell(gateway, seen, 0);
    await waitUntil("it is read", () => indexes.length === 1);
    gateway.cut();
    await failed;
    await expect(call).rejects.toMatchObject({ code: "CONNECTION_LOST", outcome: "unknown" });
  });

  it("iteration that begins late - gives every Answer once they are there", async () => {
    const gateway = await startGateway();
    const call = manager([gateway]).sendBatch("host-1", commands);
    await call;
    const indexes: number[] = [];
    for await (const { index } of call) indexes.push(index);
    expect(indexes).toEqual([0, 1, 2]);
  });

  it("leaving the loop - cancels nothing", async () => {
    const gateway = await startGateway();
    gateway.script = () => undefined;
    const call = manager([gateway]).sendBatch("host-1", commands);
    const left = (async () => {
      for await (const { index } of call) return index;
      return undefined;
    })();
    const seen = await gateway.call("send");
    tell(gateway, seen, 2);
    expect(await left).toBe(2);
    gateway.reply(seen, { answers: succeeding(seen) });
    expect(await call).toHaveLength(3);
    expect(gateway.callsOf("cancel")).toEqual([]);
  });
});
