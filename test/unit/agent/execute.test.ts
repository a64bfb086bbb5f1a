import { pino } from "pino";
import { describe, expect, onTestFinished, test } from "vitest";
import type {
  Answer,
  ExecuteOptions,
  ResourceAnswer,
  ServerResource,
  WireCommand,
} from "../../../src/api/index.ts";
import { failed, unsupported } from "../../../src/api/index.ts";
import { executeCommand } from "../../../src/agent/execute.ts";
import { OpenRequest, RequestOverError } from "../../../src/agent/open-request.ts";
import { fitStatuses } from "../../../src/agent/fit-statuses.ts";
import { ResourceSet } from "../../../src/agent/resource-set.ts";

const log = pino({ level: "silent" });

function resource(name: string, more: Partial<ServerResource>): ServerResource {
  return {
    name,
    initialize: () => Promise.resolve({ name, resourceType: "t", version: "1" }),
    currentStatus: () => Promise.resolve({ healthy: true }),
    executeRequest: (command) => Promise.resolve(unsupported(command)),
    ...more,
  };
}

function setOf(...resources: ServerResource[]): ResourceSet {
  return new ResourceSet(resources, { zone: "z", cluster: "c" }, log);
}

const stopVm: WireCommand = { type: "StopVm", id: "c" };

function requestOf(command: WireCommand): OpenRequest {
  const frame = { v: 1, kind: "request", lane: "durable", seq: 1, commands: [command] } as const;
  return new OpenRequest(frame, 60_000, () => undefined);
}

async function run(
  execute: ServerResource["executeRequest"],
  command: WireCommand = stopVm,
  request: OpenRequest = requestOf(command),
): Promise<Answer> {
  onTestFinished(() => {
    request.settled();
  });
  const resources = setOf(resource("r", { executeRequest: execute }));
  const options = {
    resources,
    request,
    waitMs: 1_000,
    bytesMax: 10_000,
    ifNotRun: "notSent" as const,
    abortGraceMs: 20,
  };
  return JSON.parse((await executeCommand(command, options)).text) as Answer;
}

describe("execute", () => {
  test("Answer - gets the Command's id, whatever the resource says", async () => {
    const answer = { type: "A", result: true, commandId: "forged" } as ResourceAnswer;
    expect(await run(() => Promise.resolve(answer))).toEqual({
      type: "A",
      result: true,
      commandId: "c",
    });
  });

  test.each([[undefined], [null], [5], ["text"], [{}], [{ type: "A", result: 1 }], [[]]])(
    "rubbish - %j becomes an error Answer",
    async (rubbish) => {
      const answer = await run(() => Promise.resolve(rubbish as unknown as ResourceAnswer));
      expect(answer).toMatchObject({ errorCode: "BAD_ANSWER", outcome: "unknown", result: false });
    },
  );

  test("error of a Command that only reads - certainly without effect", async () => {
    const command = { type: "ListVms", id: "c" };
    const fail = () => Promise.reject(new Error("no"));
    expect(await run(fail, command)).toMatchObject({
      errorCode: "RESOURCE_ERROR",
      outcome: "done",
    });
  });

  test("resource that throws before it returns a promise - an error Answer too", async () => {
    const answer = await run(() => {
      throw new Error("at once");
    });
    expect(answer).toMatchObject({ errorCode: "RESOURCE_ERROR" });
    expect(answer.details).toContain("at once");
  });

  test("abort - a resource that comes back in time is believed", async () => {
    const request = requestOf(stopVm);
    const comesBack = (_command: WireCommand, { signal }: ExecuteOptions) => {
      request.end(new RequestOverError("CANCELLED", "over"));
      return Promise.resolve({ type: "A", result: signal.aborted } as ResourceAnswer);
    };
    expect(await run(comesBack, stopVm, request)).toMatchObject({ type: "A", result: true });
  });

  test("abort - a resource that took its signal before hears why", async () => {
    const request = requestOf(stopVm);
    const listens = (_command: WireCommand, { signal }: ExecuteOptions) => {
      const reason = new Promise<Error>((resolve) => {
        signal.addEventListener("abort", () => {
          resolve(signal.reason as Error);
        });
      });
      request.end(new RequestOverError("CANCELLED", "over"));
      return reason.then(({ message }): ResourceAnswer => failed("A", "X", message));
    };
    expect(await run(listens, stopVm, request)).toMatchObject({ details: "over" });
  });

  test("abort - a resource that never comes back does not hold the Answer", async () => {
    const request = requestOf(stopVm);
    const hangs = () => {
      request.end(new RequestOverError("WAIT_OVER", "The caller's wait was over"));
      return new Promise<never>(() => undefined);
    };
    const answer = await run(hangs, stopVm, request);
    expect(answer).toMatchObject({ errorCode: "INTERRUPTED", outcome: "unknown" });
    expect(answer.details).toContain("The caller's wait was over");
  });
});

describe("several resources", () => {
  const answering = (name: string, type: string) =>
    resource(name, {
      executeRequest: (command) =>
        Promise.resolve(
          command.type === type ? { type: "A", result: true, details: name } : unsupported(command),
        ),
    });
  const options = { signal: new AbortController().signal, waitMs: 1_000 };

  test("routing - to the named one, else to the first that maps the type", async () => {
    const set = setOf(answering("one", "X"), answering("two", "Y"), answering("three", "Y"));
    const ask = async (command: WireCommand) => (await set.execute(command, options)).details;
    expect(await ask({ type: "Y", id: "c" })).toBe("two");
    expect(await ask({ type: "Y", id: "c", resource: "three" })).toBe("three");
    expect((await set.execute({ type: "Z", id: "c" }, options)).type).toBe("UnsupportedAnswer");
    expect(set.lacks({ type: "Y", id: "c", resource: "four" })).toBe(true);
  });

  test("status - one that hangs or throws is unhealthy, and is not asked twice at once", async () => {
    let asked = 0;
    const set = setOf(
      resource("good", {}),
      resource("hangs", {
        currentStatus: () => {
          asked++;
          return new Promise(() => undefined);
        },
      }),
      resource("throws", { currentStatus: () => Promise.reject(new Error("broken")) }),
    );
    const [good, hangs, throws] = await set.statuses(20);
    await set.statuses(20);
    expect(good).toEqual({ name: "good", healthy: true });
    expect(hangs?.healthy).toBe(false);
    expect(throws).toMatchObject({ healthy: false, details: "Error: broken" });
    expect(asked).toBe(1);
  });

  test("traits - those that a resource declares at connect count from then on", async () => {
    const traits = { ...setOf().traitsOf("ListVms"), waitSeconds: 7 };
    const set = setOf(
      resource("r", {
        initialize: () =>
          Promise.resolve({
            name: "r",
            resourceType: "t",
            version: "1",
            commandTypes: { Own: traits },
          }),
      }),
    );
    expect(set.traitsOf("Own").readOnly).toBe(false);
    expect(await set.describe()).toMatchObject([{ type: "Startup", zone: "z", cluster: "c" }]);
    expect(set.traitsOf("Own")).toEqual(traits);
  });
});

describe("ping statuses", () => {
  test("too large for a frame - go without their workloads", () => {
    const workloads = Object.fromEntries(
      Array.from({ length: 99 }, (_, i) => [`v${i}`, "On"] as const),
    );
    const status = { name: "r", healthy: true, workloads };
    expect(fitStatuses([status], 10_000)).toEqual([status]);
    expect(fitStatuses([status], 1_500)).toEqual([
      { name: "r", healthy: true, details: expect.stringContaining("Too many") as string },
    ]);
  });
});
