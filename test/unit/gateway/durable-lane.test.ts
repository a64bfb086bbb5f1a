/** What the durable lane promises its callers, on a lifecycle that is slow, away or refuses. */
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { Answer } from "../../../src/api/index.ts";
import type { CallerRequest } from "../../../src/gateway/command-lanes.ts";
import { DurableLane, type DurablePort } from "../../../src/gateway/durable-lane.ts";
import {
  LifecycleGoneError,
  RequestRefusedError,
  SecretsInClearError,
} from "../../../src/gateway/errors.ts";
import { onAnswer } from "../../../src/gateway/on-answer.ts";
import type { GatewayParts } from "../../../src/gateway/parts.ts";
import { SecretFields } from "../../../src/gateway/secret-fields.ts";
import type { Session } from "../../../src/gateway/session.ts";
import { Sessions } from "../../../src/gateway/sessions.ts";
import { Keyring, newKeyEntry } from "../../../src/secrets/keyring.ts";
import type { AdmitMessage, AdmitResult } from "../../../src/workflows/agent-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const log = pino({ level: "silent" });
const commands = [{ type: "StopVm", id: "c-1", vm: "a" }];
const request = (more: Partial<CallerRequest> = {}): CallerRequest => ({
  ...{ requestId: "r-1", commands, onError: "stop", waitSeconds: 30, ...more },
});
const answers: readonly Answer[] = [{ type: "StopVmAnswer", commandId: "c-1", result: true }];
const pending: AdmitResult = { state: "pending", deliver: "workflow", seq: 7, waitMs: 30_000 };

/** A lane whose lifecycle answers each asking with the next of `says`; the last one stays. */
function lane(says: readonly (() => Promise<AdmitResult>)[], more: Partial<DurablePort> = {}) {
  const asked: AdmitMessage[] = [];
  const forgotten: string[] = [];
  const port: DurablePort = {
    noteRequest: (_requestId, agentId) => Promise.resolve({ agentId, firstAgoMs: undefined }),
    forgetRequest: (requestId) => {
      forgotten.push(requestId);
      return Promise.resolve();
    },
    admit: (_agentId, message) => {
      asked.push(message);
      const say = says[Math.min(asked.length, says.length) - 1];
      return say?.() ?? Promise.reject(new Error("nothing to say"));
    },
    request: () => Promise.resolve(null),
    commandTypes: () => Promise.resolve(undefined),
    undelivered: () => undefined,
    whyNoLifecycle: () => Promise.resolve(new RequestRefusedError("AGENT_UNKNOWN", "no such")),
    ...more,
  };
  const self = { ref: () => ({ gatewayId: "g", incarnation: "i" }) };
  const secrets = new SecretFields(Keyring.parse(newKeyEntry("k1")));
  const around = { sessions: new Sessions(), self, port, log, secrets };
  const made = new DurableLane({ ...around, passing: undefined });
  return { lane: made, asked, forgotten };
}
const away = (): Promise<AdmitResult> => Promise.reject(new Error("away"));
const refuse = (): Promise<AdmitResult> =>
  Promise.reject(new RequestRefusedError("RESOURCE_STATE", "in maintenance"));

describe("durable lane", () => {
  it("secrets that the lifecycle alone knows of - are shown to Temporal sealed, at each further try", async () => {
    const clear = [{ type: "SetPassword", id: "c-1", password: "correct horse" }];
    const error = new SecretsInClearError("in clear", { SetPassword: ["password"] });
    const says = [() => Promise.reject(error), away, () => Promise.resolve(pending)];
    const { lane: durable, asked, forgotten } = lane(says);
    void durable.send("a", request({ commands: clear }));
    await waitUntil("it is admitted", () => asked.length === 3);
    expect(asked[1]?.commands).toMatchObject([
      { password: { $sealed: expect.any(String) as unknown } },
    ]);
    expect(asked[2]?.commands).toEqual(asked[1]?.commands);
    expect(forgotten).toEqual([]);
    durable.close();
  });

  it("Answers that come before the admission is known here - reach the caller all the same", async () => {
    const { lane: durable } = lane([() => new Promise(() => undefined)]);
    const sent = durable.send("a", request());
    await waitUntil("it waits", () => durable.waiting === 1);
    // Of another agent: not this caller's.
    durable.onAnswered("b", undefined, [{ type: "Lie", commandId: "c-1", result: true }]);
    durable.onAnswered("a", undefined, answers);
    expect(await sent).toEqual(answers);
  });

  it("Answers that come before it is known when the wait of a repetition is over - count as the record says", async () => {
    const expired: readonly Answer[] = [
      { type: "ErrorAnswer", commandId: "c-1", result: false, outcome: "unknown" },
    ];
    const view = { requestId: "r-1", seq: 7, state: "settled", handed: true } as const;
    const { lane: durable, asked } = lane([() => new Promise(() => undefined)], {
      noteRequest: (_requestId, agentId) => Promise.resolve({ agentId, firstAgoMs: 90_000 }),
      request: () => Promise.resolve({ ...view, commands, answers: expired }),
    });
    const sent = durable.send("a", request());
    await waitUntil("the lifecycle is asked", () => asked.length === 1);
    durable.onAnswered("a", "r-1", answers);
    expect(await sent).toEqual(expired);
  });

  it("Answers that do not fit what the caller sent - are not passed on, the record is asked", async () => {
    const recorded: readonly Answer[] = [{ type: "StopVmAnswer", commandId: "c-0", result: true }];
    const view = { requestId: "r-1", seq: 7, state: "settled", handed: true } as const;
    const { lane: durable } = lane([() => Promise.resolve(pending)], {
      request: () => Promise.resolve({ ...view, commands: [], answers: recorded }),
    });
    const sent = durable.send("a", request());
    await waitUntil("it waits", () => durable.waiting === 1);
    durable.onAnswered("a", "r-1", [{ type: "Other", commandId: "c-9", result: true }]);
    expect(await sent).toEqual(recorded);
  });

  it("a try of unknown fate - is repeated as a repetition, with what is left of the wait", async () => {
    const { lane: durable, asked } = lane([away, away, () => Promise.resolve(pending)]);
    await durable.submit("a", request());
    expect(asked).toHaveLength(3);
    expect(asked[0]).toMatchObject({ waitSeconds: 30 });
    expect(asked[0]).not.toHaveProperty("repeatAgoMs");
    for (const again of asked.slice(1)) {
      expect(again.repeatAgoMs).toBeGreaterThan(50);
      expect(again.waitSeconds).toBeLessThan(30);
      expect(again.waitSeconds).toBeGreaterThan(20);
    }
  });

  it("an id that was noted before - says how long ago", async () => {
    const { lane: durable, asked } = lane([() => Promise.resolve(pending)], {
      noteRequest: (_requestId, agentId) => Promise.resolve({ agentId, firstAgoMs: 90_000 }),
    });
    await durable.submit("a", request());
    expect(asked[0]?.repeatAgoMs).toBeGreaterThanOrEqual(90_000);
  });

  it.each([
    ["refused", refuse, "RESOURCE_STATE"],
    [
      "to an agent without a lifecycle",
      () => Promise.reject(new LifecycleGoneError("a")),
      "AGENT_UNKNOWN",
    ],
  ])("a Request %s at once - leaves no note behind", async (_how, say, code) => {
    const { lane: durable, forgotten } = lane([say]);
    await expect(durable.send("a", request())).rejects.toMatchObject({ code });
    expect(forgotten).toEqual(["r-1"]);
    expect(durable.waiting).toBe(0);
  });

  it("a Request refused after a try of unknown fate, or one that was known - keeps its note", async () => {
    const first = lane([away, refuse]);
    await expect(first.lane.send("a", request())).rejects.toMatchObject({ code: "RESOURCE_STATE" });
    expect(first.forgotten).toEqual([]);
    const known = lane([refuse], {
      noteRequest: (_requestId, agentId) => Promise.resolve({ agentId, firstAgoMs: 5 }),
    });
    await expect(known.lane.submit("a", request())).rejects.toMatchObject({
      code: "RESOURCE_STATE",
    });
    expect(known.forgotten).toEqual([]);
  });

  it("Commands that are too large - are refused before anything is noted", async () => {
    const noted: string[] = [];
    const { lane: durable, asked } = lane([() => Promise.resolve(pending)], {
      noteRequest: (requestId, agentId) => {
        noted.push(requestId);
        return Promise.resolve({ agentId, firstAgoMs: undefined });
      },
    });
    const large = { type: "StartVm", id: "c-1", spec: "x".repeat(600_000) };
    for (const ask of [
      durable.send("a", request({ commands: [large] })),
      durable.submit("a", request({ commands: [large] })),
    ]) {
      await expect(ask).rejects.toMatchObject({ code: "TOO_LARGE" });
    }
    expect([noted, asked]).toEqual([[], []]);
  });

  it("a database that hangs - is not waited for much longer than the caller waits", async () => {
    const { lane: durable } = lane([away], { noteRequest: () => new Promise(() => undefined) });
    const startedMs = performance.now();
    await expect(durable.send("a", request({ waitSeconds: 0.1 }))).rejects.toMatchObject({
      code: "MANAGER_UNAVAILABLE",
    });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  it("a caller that leaves - is forgotten, and its Request admitted all the same", async () => {
    const { lane: durable, asked } = lane([away, away, () => Promise.resolve(pending)]);
    const sent = durable.send(
      "a",
      request({
        onOpen: (call) => {
          call.leave("gone");
        },
      }),
    );
    expect(await sent).toMatchObject([{ outcome: "unknown", errorCode: "NO_NEWS" }]);
    await waitUntil("admitted", () => asked.length === 3);
    await waitUntil("nobody waits", () => durable.waiting === 0);
  });

  it("a gateway that stops - tells all who wait, and takes nothing more", async () => {
    const { lane: durable } = lane([() => Promise.resolve(pending)]);
    const sent = durable.send("a", request());
    const view = { requestId: "r-2", seq: 8, state: "pending", handed: true, commands } as const;
    const looked = durable.awaitSettled("a", view, 60_000);
    await waitUntil("they wait", () => durable.waiting === 2);
    durable.close();
    expect(await sent).toMatchObject([{ errorCode: "NO_NEWS" }]);
    expect(await looked).toEqual(view);
    expect(await durable.awaitSettled("a", view, 60_000)).toEqual(view);
    await expect(durable.send("a", request())).rejects.toMatchObject({
      code: "MANAGER_UNAVAILABLE",
    });
  });
});

describe("Answers of an agent", () => {
  function answered(fate: "sent" | "dropped" | "gone") {
    const said: unknown[] = [];
    const told: unknown[] = [];
    const session = {
      agentId: "a",
      handed: new Map(),
      socket: {
        send: (frame: unknown) => said.push(frame),
        end: (code: number) => said.push(code),
      },
    } as unknown as Session;
    const parts = {
      tally: { answers: 0 },
      log,
      self: { ref: () => ({ gatewayId: "g", incarnation: "i" }) },
      outbox: { put: () => Promise.resolve(fate) },
      sessions: new Sessions(),
      progress: { ended: () => undefined },
      durable: { onAnswered: (...args: unknown[]) => told.push(args) },
      hooks: { passing: undefined },
    } as unknown as GatewayParts;
    return onAnswer(parts, session, {
      ...{ v: 1, kind: "response", lane: "durable", seq: 7, answers },
    }).then(() => ({ said, told }));
  }

  it("that Temporal has - are acknowledged and told", async () => {
    const { said, told } = await answered("sent");
    expect(said).toMatchObject([{ kind: "ack", seq: 7, commandIds: ["c-1"] }]);
    expect(told).toHaveLength(1);
  });

  it("that were dropped here - are neither acknowledged nor told; the session ends, so that they come again", async () => {
    const { said, told } = await answered("dropped");
    expect(said).toEqual([4429]);
    expect(told).toEqual([]);
  });
});
