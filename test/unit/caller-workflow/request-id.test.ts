import { describe, expect, it } from "vitest";
import { CommandFailure, outcomeIn } from "../../../src/caller-workflow/failures.ts";
import { requestIdOf } from "../../../src/caller-workflow/request-id.ts";

const runId = "0b5c6f0e-6f0a-4a57-9f3e-5d6f0e8f4b11";
const content = ["host-1", [{ type: "StartVm", vm: "a" }]];

describe("requestIdOf", () => {
  it("the same call of the same run - is the same Request", () => {
    const caller = { workflowId: "order-17", runId };
    const id = requestIdOf(caller, 3, content);
    expect(id).toBe(requestIdOf(caller, 3, structuredClone(content)));
    expect(id).toMatch(new RegExp(`^order-17/${runId}/3-[0-9a-f]{8}$`));
  });

  it("another number, run, workflow, agent or Command - is another Request", () => {
    const caller = { workflowId: "order-17", runId };
    const ids = [
      requestIdOf(caller, 3, content),
      requestIdOf(caller, 4, content),
      requestIdOf({ ...caller, runId: "other" }, 3, content),
      requestIdOf({ ...caller, workflowId: "order-18" }, 3, content),
      requestIdOf(caller, 3, ["host-2", content[1]]),
      requestIdOf(caller, 3, ["host-1", [{ type: "StartVm", vm: "b" }]]),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("a workflow id of any length - fits, with the index of a Command behind it", () => {
    const id = requestIdOf({ workflowId: "x".repeat(1_000), runId }, 1_000_000, content);
    expect(`${id}/99`.length).toBeLessThanOrEqual(200);
  });
});

describe("CommandFailure", () => {
  it("its type and details - say what its fields say, for those who only see the failure", () => {
    const request = { agentId: "host-1", requestId: "r-1" };
    const failure = new CommandFailure("MAILBOX_FULL", "notSent", "full", request);
    expect(failure).toMatchObject({
      ...request,
      code: "MAILBOX_FULL",
      type: "MAILBOX_FULL",
      outcome: "notSent",
      nonRetryable: true,
      details: [{ outcome: "notSent", ...request }],
    });
    expect(failure).toBeInstanceOf(CommandFailure);
  });

  it.each([
    [{ outcome: "notSent" }, "notSent"],
    [{ outcome: "unknown" }, "unknown"],
    [undefined, "unknown"],
    ["notSent", "unknown"],
  ])("the detail %o - means %s", (detail, outcome) => {
    expect(outcomeIn(detail)).toBe(outcome);
  });
});
