import { describe, expect, it } from "vitest";
import {
  CheckHealthCommand,
  Command,
  MigrateVmCommand,
  StopVmCommand,
} from "../../../src/api/index.ts";
import { batchBody, bodiesFor, waitMsOf } from "../../../src/client/call-bodies.ts";
import { Call, type CallRequest } from "../../../src/client/call.ts";
import { AgentManager } from "../../../src/client/index.ts";
import {
  admissionIn,
  answersIn,
  cancelResultIn,
  readMessage,
  refusalOf,
  requestIn,
} from "../../../src/client/socket-messages.ts";

class PaintCommand extends Command {
  readonly type = "Paint";
  readonly colour = 'red "and" blue';
}

describe("waitMsOf", () => {
  it("a wait that is given - counts; else the longest of the Commands' own", () => {
    const migrateVm = new MigrateVmCommand({ vm: "a", destination: "b" });
    expect(waitMsOf([new StopVmCommand({ vm: "a" })], 1.5)).toBe(1_500);
    expect(waitMsOf([new CheckHealthCommand(), migrateVm], undefined)).toBe(1_800_000);
    expect(waitMsOf([new PaintCommand()], undefined)).toBe(300_000);
  });
});

describe("bodies", () => {
  it("a batch - has an id for each Command, its own or one that is made up", () => {
    const commands = [new StopVmCommand({ vm: "a", id: "mine" }), new PaintCommand()];
    const body = batchBody("send", "host-1", commands, { requestId: "r", onError: "continue" });
    const message = JSON.parse(`{"id":1,${body}`) as { commands: { id: string }[] };
    expect(message).toMatchObject({
      id: 1,
      method: "send",
      agentId: "host-1",
      requestId: "r",
      onError: "continue",
      commands: [{ type: "StopVm", vm: "a", id: "mine" }, { type: "Paint" }],
    });
    expect(message.commands[1]?.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("one Command for many agents - says the same as a batch of one, with an id for each agent", () => {
    const bodies = bodiesFor("send", new PaintCommand({ id: "never used" }), { waitSeconds: 3 });
    const [one, two] = ['a"1', "a2"].map(
      (agentId) =>
        JSON.parse(`{"id":1,${bodies(agentId, `r-${agentId}`)}`) as { commands: { id: string }[] },
    );
    expect(one).toEqual({
      id: 1,
      method: "send",
      agentId: 'a"1',
      requestId: 'r-a"1',
      waitSeconds: 3,
      commands: [{ type: "Paint", colour: 'red "and" blue', id: expect.any(String) as string }],
    });
    expect(one?.commands[0]?.id).not.toBe(two?.commands[0]?.id);
    const bare = bodiesFor("ask", new CheckHealthCommand(), {});
    expect(JSON.parse(`{"id":1,${bare("a", undefined)}`)).toMatchObject({
      method: "ask",
      agentId: "a",
      commands: [{ type: "CheckHealth" }],
    });
  });
});

describe("abandon", () => {
  const failed = async (request: Partial<CallRequest>, timesSent: number): Promise<Error> => {
    const whole = { body: "}", repeatable: true, waitOverMs: 0, requestId: "r-1", ...request };
    const call = new Call(1, whole);
    call.timesSent = timesSent;
    call.abandon("NO_NEWS", "No gateway could be reached.");
    return await call.reply.then(
      () => new Error("it did not fail"),
      (error: unknown) => error as Error,
    );
  };

  it("a call that was sent - is unknown and names its request; one that was not is notSent", async () => {
    const sent = await failed({}, 1);
    expect(sent).toMatchObject({ code: "NO_NEWS", outcome: "unknown", requestId: "r-1" });
    expect(sent.message).toContain("r-1");
    const unsent = await failed({}, 0);
    expect(unsent).toMatchObject({ outcome: "notSent" });
    expect(unsent.message).not.toContain("r-1");
  });

  it("a question about a Request - leaves it unknown, sent or not", async () => {
    expect(await failed({ asksOnly: true }, 0)).toMatchObject({ outcome: "unknown" });
  });
});

describe("readMessage", () => {
  it.each([
    ["no JSON", "{"],
    ["no object", "5"],
    ["a problem without code", '{"id":1,"problem":{"detail":"x"}}'],
    ["an id that is none", '{"id":"1","answers":[]}'],
    ["progress without an index", '{"id":1,"progress":{"answer":{}}}'],
    ["progress without an Answer", '{"id":1,"progress":{"index":0}}'],
  ])("%s - is no message", (_what, text) => {
    expect(readMessage(text)).toBeUndefined();
  });

  it("replies, progress and problems - are read", () => {
    const reply = { id: 1, answers: [], requestId: "r" };
    expect(readMessage(JSON.stringify(reply))).toEqual(reply);
    const progress = { index: 2, answer: { type: "A", commandId: "c", result: true } };
    expect(readMessage(JSON.stringify({ id: 1, progress }))).toEqual({ id: 1, progress });
    const problem = { code: "AGENT_ELSEWHERE", detail: "there", apiUrl: "http://there" };
    expect(readMessage(JSON.stringify({ id: 2, problem }))).toEqual({ id: 2, problem });
  });
});

describe("refusalOf", () => {
  const problem = { code: "MAILBOX_FULL", detail: "full" };

  it("a refusal - means that nothing was sent, unless another gateway may have it", () => {
    expect(refusalOf(problem)).toMatchObject({ outcome: "notSent", message: "full" });
    expect(refusalOf(problem, "r", true)).toMatchObject({ outcome: "unknown", requestId: "r" });
  });

  it.each(["INTERNAL", "MANAGER_UNAVAILABLE", "REQUEST_FORGOTTEN", "REQUEST_UNKNOWN"])(
    "%s - does not tell whether it was taken",
    (code) => {
      expect(refusalOf({ code, detail: "?" })).toMatchObject({ outcome: "unknown" });
    },
  );
});

describe("replies of another release", () => {
  it.each([
    ["answers", () => answersIn({ id: 1 })],
    ["admission", () => admissionIn({ id: 1, requestId: "r" })],
    ["request", () => requestIn({ id: 1, request: { agentId: "a", state: "settled" } })],
    ["result", () => cancelResultIn({ id: 1, result: "perhaps" })],
  ])("%s - say so", (_what, read) => {
    expect(read).toThrow(expect.objectContaining({ code: "UNREADABLE_REPLY" }) as Error);
  });
});

describe("AgentManager", () => {
  it.each(["", "ws://host", "host:8251", "ftp://host"])("the url %s - is refused", (url) => {
    expect(() => new AgentManager({ url, token: "t" })).toThrow(/operator API/);
  });
});
