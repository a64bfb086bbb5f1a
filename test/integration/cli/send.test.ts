/** What `muster send`, `ask`, `request` and `recurring` make of the operator API's answers. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import { run } from "../../unit/cli/run.ts";
import { json, useFakeApi } from "./fake-api.ts";

const api = useFakeApi();
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-cli-send-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const env = () => ({ MUSTER_API_URL: api.url, MUSTER_API_TOKEN: "token-of-a-test-0123456789" });
const answer = (commandId: string, more: object = {}) => ({
  ...{ type: "StopVmAnswer", commandId, result: true },
  ...more,
});
const line = (response: ServerResponse, value: object) =>
  response.write(`${JSON.stringify(value)}\n`);
const lines = { "content-type": "application/x-ndjson" };

describe("muster send --batch", () => {
  const batch = [
    { type: "StopVmCommand", vm: "a" },
    { type: "StopVm", vm: "b" },
  ];
  const file = () => {
    const path = join(folder, "batch.json");
    writeFileSync(path, JSON.stringify(batch));
    return path;
  };

  it("prints each Answer as it comes, and each once", async () => {
    let stdout = "";
    api.answer = ({ headers }, response) => {
      expect(headers.accept).toContain("application/x-ndjson");
      response.writeHead(200, lines);
      line(response, { type: "admitted", requestId: "r", seq: 1, waitMs: 1_000 });
      line(response, { type: "answer", index: 0, answer: answer("a") });
      void waitUntil("the first Answer is printed", () => stdout.includes("1/2")).then(() => {
        expect(stdout).not.toContain("2/2");
        response.end(
          `${JSON.stringify({ type: "end", requestId: "r", answers: [answer("a"), answer("b")] })}\n`,
        );
      });
    };
    const args = ["send", "h-1", "--batch", file(), "--on-error", "continue", "--request-id", "r"];
    const { code } = await run(args, env(), { print: (text) => (stdout += text) });
    expect(code).toBe(0);
    expect(stdout).toBe("1/2  StopVmAnswer  done\n2/2  StopVmAnswer  done\n");
    expect(api.seen[0]?.body).toEqual({
      commands: [{ type: "StopVm", vm: "a" }, batch[1]],
      ...{ lane: "durable", requestId: "r", onError: "continue" },
    });
  });

  it("prints the whole result as one object with --json", async () => {
    const answers = [answer("a"), answer("b", { result: false, details: "no" })];
    api.answer = (_request, response) => {
      response.writeHead(200, lines);
      line(response, { type: "answer", index: 1, answer: answers[1] });
      line(response, { type: "end", requestId: "r", answers });
      response.end();
    };
    const { code, stdout } = await run(["send", "h-1", "--batch", file(), "--json"], env());
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ requestId: "r", answers });
  });

  it("takes the whole answer of a gateway that knows no lines", async () => {
    api.answer = (_request, response) => {
      json(response, { requestId: "r", answers: [answer("a"), answer("b")] });
    };
    const { code, stdout } = await run(["send", "h-1", "--batch", file()], env());
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "1/2  StopVmAnswer  done\n2/2  StopVmAnswer  done\n",
    });
  });

  it("tells of a problem behind the first lines with its code", async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, lines);
      line(response, { type: "admitted", requestId: "r", seq: 1, waitMs: 1_000 });
      const problem = { code: "AGENT_REMOVED", status: 410, detail: "It was removed." };
      line(response, { type: "problem", problem });
      response.end();
    };
    const { code, stderr } = await run(["send", "h-1", "--batch", file()], env());
    expect(code).toBe(1);
    expect(stderr).toBe("muster: It was removed. [AGENT_REMOVED]\n");
  });

  it("says how to hear of the Answers when the stream ends without them", async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, lines);
      line(response, { type: "admitted", requestId: "r", seq: 1, waitMs: 1_000 });
      response.end();
    };
    const args = ["send", "h-1", "--batch", file(), "--request-id", "r-3"];
    const { code, stderr } = await run(args, env());
    expect(code).toBe(1);
    expect(stderr).toMatch(/muster request r-3 --wait.*\[API_BROKEN_OFF\]/);
  });
});

describe("muster send and Ctrl-C", () => {
  it("leaves the Request, and says how to hear of it and how to end it", async () => {
    const stop = new AbortController();
    api.answer = (_request, response) => {
      response.writeHead(200, lines);
      line(response, { type: "admitted", requestId: "r-5", seq: 1, waitMs: 1_000 });
      line(response, { type: "answer", index: 0, answer: answer("a") });
    };
    const args = ["send", "h-1", "StopVm", "--request-id", "r-5"];
    const { code, stdout, stderr } = await run(args, env(), {
      stopSignal: () => stop.signal,
      print: () => {
        stop.abort();
      },
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(
      /was admitted and goes on.*muster request r-5 --wait.*muster cancel r-5/,
    );
  });

  it("does not claim that a Request was admitted when nothing says so", async () => {
    const stop = new AbortController();
    api.answer = () => {
      stop.abort();
    };
    const { code, stderr } = await run(["send", "h-1", "StopVm"], env(), {
      stopSignal: () => stop.signal,
    });
    expect(code).toBe(1);
    expect(stderr).toContain("may have been admitted, and goes on then");
  });
});

describe("muster send --async", () => {
  it("has the Request recorded, and prints its id", async () => {
    api.answer = (_request, response) => {
      json(response, { requestId: "r-7", seq: 12, state: "pending", waitMs: 300_000 }, 202);
    };
    const args = ["send", "h-1", "StopVm", '{"vm":"a"}', "--async", "--request-id", "r-7"];
    const { code, stdout } = await run(args, env());
    expect(code).toBe(0);
    expect(stdout).toMatch(/^r-7 {2}Request 12 is admitted; .*muster request r-7 --wait/);
    expect(api.seen[0]?.body).toMatchObject({ wait: false, requestId: "r-7", lane: "durable" });
    const forPrograms = await run([...args, "--json"], env());
    expect(JSON.parse(forPrograms.stdout)).toMatchObject({ requestId: "r-7", seq: 12 });
  });
});

describe("muster ask of one agent", () => {
  it("goes the direct lane", async () => {
    const health = { ...answer("c"), type: "CheckHealthAnswer" };
    api.answer = (_request, response) => {
      json(response, { requestId: "r", answers: [health] });
    };
    const { code, stdout } = await run(["ask", "h-1", "CheckHealth", "--wait", "3"], env());
    expect({ code, stdout }).toEqual({ code: 0, stdout: "CheckHealthAnswer  done\n" });
    expect(api.seen[0]).toMatchObject({
      path: "/api/v1/agents/h-1/commands",
      body: { lane: "direct", waitSeconds: 3, commands: [{ type: "CheckHealth" }] },
    });
  });
});

describe("muster request --wait", () => {
  const view = (more: object) => ({
    ...{ requestId: "r", agentId: "h-1", seq: 1, handed: true },
    commands: [{ id: "c", type: "StopVm" }],
    ...more,
  });

  it("asks until the Answers are there, also when the manager is away in between, and exits by them", async () => {
    const replies = [
      (response: ServerResponse) => {
        json(response, view({ state: "pending", waitLeftMs: 5_000 }));
      },
      (response: ServerResponse) => {
        response.destroy();
      },
      (response: ServerResponse) => {
        const no = answer("c", { result: false, errorCode: "VM_NOT_FOUND" });
        json(response, view({ state: "settled", answers: [no] }));
      },
    ];
    api.answer = (_request, response) => {
      replies.shift()?.(response);
    };
    const { code, stdout, stderr } = await run(["request", "r", "--wait"], env());
    expect(code).toBe(1);
    expect(stdout).toMatch(/^state +settled\n[^]*StopVmAnswer {2}failed \[VM_NOT_FOUND\]\n$/m);
    expect(stderr).toMatch(/broke off.*Trying again[^]*VM_NOT_FOUND/);
    expect(api.seen.map(({ path }) => path)).toEqual(
      Array.from({ length: 3 }, () => "/api/v1/requests/r?waitSeconds=30"),
    );
  });

  it("without --wait - shows the Answers that are there, and how long is left", async () => {
    api.answer = (_request, response) => {
      const progress = [answer("c", { vm: "a" })];
      json(response, view({ state: "pending", waitLeftMs: 61_000, progress }));
    };
    const { code, stdout } = await run(["request", "r"], env());
    expect(code).toBe(0);
    expect(stdout).toContain("pending, handed to a gateway, 1 min 1 s left");
    expect(stdout).toContain("StopVmAnswer  done");
  });

  it("Ctrl-C stops the waiting, not the Request", async () => {
    const stop = new AbortController();
    api.answer = () => {
      stop.abort();
    };
    const { code, stderr } = await run(["request", "r", "--wait"], env(), {
      stopSignal: () => stop.signal,
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/the Request goes on.*muster cancel r.*\[DETACHED\]/);
  });
});

describe("muster recurring", () => {
  const recurring = {
    name: "nightly",
    commands: [{ type: "RebootVm" }],
    schedule: { cron: "30 3 * * *", timezone: "Europe/Berlin" },
    onError: "stop",
    nextAt: "2026-11-23T13:00:00Z",
    ...{ runs: 3, failed: 1, skipped: 2 },
    lastRun: { requestId: "r", at: "2026-11-23T11:00:00Z", answers: [answer("c")] },
    lastSkip: { at: "2026-11-23T10:00:00Z", reason: "the agent was away" },
  };

  it("add - puts it on the agent, with what the options say", async () => {
    api.answer = (_request, response) => {
      json(response, recurring);
    };
    const args = ["recurring", "add", "h/1", "nightly", "RebootVm", '{"vm":"w"}'];
    const when = ["--cron", "30 3 * * *", "--timezone", "Europe/Berlin", "--wait", "60"];
    const { code, stdout } = await run([...args, ...when], env());
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^nightly +RebootVm +30 3 \* \* \* Europe\/Berlin +in 1 h +3 +1 +2 +1 h ago: done$/m,
    );
    expect(api.seen[0]).toMatchObject({
      ...{ method: "POST", path: "/api/v1/agents/h%2F1/recurring" },
      body: {
        name: "nightly",
        commands: [{ type: "RebootVm", vm: "w" }],
        schedule: { cron: "30 3 * * *", timezone: "Europe/Berlin" },
        ...{ onError: "stop", waitSeconds: 60, by: expect.stringMatching(/.@./) as unknown },
      },
    });
    const every = ["recurring", "add", "h-1", "health", "CheckHealth", "--every", "60"];
    expect((await run(every, env())).code).toBe(0);
    expect(api.seen[1]?.body).toMatchObject({ schedule: { everySeconds: 60 } });
  });

  it("list and remove", async () => {
    api.answer = ({ method }, response) => {
      json(response, method === "GET" ? { recurring: [recurring] } : { removed: true });
    };
    const list = await run(["recurring", "list", "h-1"], env());
    expect(list.stdout).toContain("nightly");
    const forPrograms = await run(["recurring", "list", "h-1", "--json"], env());
    expect(JSON.parse(forPrograms.stdout)).toEqual({ recurring: [recurring] });
    const removed = await run(["recurring", "remove", "h-1", "a/b"], env());
    expect(removed).toMatchObject({ code: 0, stdout: "a/b is removed\n" });
    expect(api.seen[2]?.method).toBe("DELETE");
    expect(api.seen[2]?.path).toMatch(/^\/api\/v1\/agents\/h-1\/recurring\/a%2Fb\?by=.+/);
  });
});
