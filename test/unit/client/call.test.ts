import { describe, expect, it } from "vitest";
import { abandon, waitMsOf, type Call, type CallRequest } from "../../../src/client/call.ts";
import { AgentManager, type AgentManagerError } from "../../../src/client/index.ts";
import { readMessage, refusalOf } from "../../../src/client/socket-messages.ts";

const request = (types: readonly string[], more: Partial<CallRequest> = {}): CallRequest => ({
  method: "send",
  agentId: "a",
  commands: types.map((type, i) => ({ type, id: String(i) })),
  ...more,
});

describe("waitMsOf", () => {
  it("a wait that is given - counts; else the longest of the Commands' own", () => {
    expect(waitMsOf(request(["StartVm"], { waitSeconds: 1.5 }))).toBe(1_500);
    expect(waitMsOf(request(["ListVms", "MigrateVm"]))).toBe(1_800_000);
    expect(waitMsOf(request(["NobodyKnows"]))).toBe(300_000);
  });
});

describe("abandon", () => {
  it.each([
    [false, "notSent"],
    [true, "unknown"],
  ])(
    "a call that was sent (%s) - has the outcome %s, and names its request",
    (wasSent, outcome) => {
      let error: AgentManagerError | undefined;
      const call: Call = {
        id: 1,
        request: request(["StopVm"], { requestId: "r-1" }),
        waitOverMs: 0,
        onWire: false,
        wasSent,
        settle: () => undefined,
        fail: (given) => {
          error = given;
        },
      };
      abandon(call, "NO_NEWS", "No gateway could be reached.");
      expect(error).toMatchObject({ code: "NO_NEWS", outcome, requestId: "r-1" });
      expect(error?.message.includes("r-1")).toBe(wasSent);
    },
  );
});

describe("readMessage", () => {
  it.each([
    ["no JSON", "{"],
    ["no object", "5"],
    ["no answers", '{"id":1}'],
    ["a problem without code", '{"id":1,"problem":{"detail":"x"}}'],
    ["an id that is none", '{"id":"1","answers":[]}'],
  ])("%s - is no message", (_what, text) => {
    expect(readMessage(text)).toBeUndefined();
  });

  it("answers and problems - are read", () => {
    expect(readMessage('{"id":1,"answers":[],"requestId":"r"}')).toEqual({ id: 1, answers: [] });
    const problem = { code: "AGENT_ELSEWHERE", detail: "there", apiUrl: "http://there" };
    const message = readMessage(JSON.stringify({ id: 2, problem }));
    expect(message).toEqual({ id: 2, problem });
    expect(refusalOf(problem)).toMatchObject({ outcome: "notSent", apiUrl: "http://there" });
    expect(refusalOf({ code: "INTERNAL", detail: "?" }, "r")).toMatchObject({
      outcome: "unknown",
      requestId: "r",
    });
  });
});

describe("AgentManager", () => {
  it.each(["", "ws://host", "host:8251", "ftp://host"])("the url %s - is refused", (url) => {
    expect(() => new AgentManager({ url, token: "t" })).toThrow(/operator API/);
  });
});
