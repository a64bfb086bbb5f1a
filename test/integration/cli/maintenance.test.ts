/** What `muster maintenance` makes of the operator API's answers. */
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { run } from "../../unit/cli/run.ts";
import { json, useFakeApi, type SeenRequest } from "./fake-api.ts";

const api = useFakeApi();
const env = () => ({
  MUSTER_HOME: tmpdir(),
  MUSTER_API_URL: api.url,
  MUSTER_API_TOKEN: "token-of-the-tests-0123",
});
const begun = {
  status: "Up",
  resourceState: "PrepareForMaintenance",
  details: "Enabled → PrepareForMaintenance",
};

function progress(fields: object) {
  return {
    ...{ phase: "moving", policy: "migrate", by: "ada", total: 4, moved: 0, stopped: 0 },
    ...{ remaining: 4, failed: [], startedAt: "2026-11-23T12:00:00Z" },
    ...{ deadlineAt: "2026-11-23T13:00:00Z", waitingFor: "the Answers for a, b" },
    ...fields,
  };
}

/** Answers the POST, then one look after the other; the last one stays. */
function looks(...states: readonly (readonly [resourceState: string, maintenance?: object])[]) {
  let next = 0;
  api.answer = ({ method }: SeenRequest, response: ServerResponse) => {
    if (method === "POST") {
      json(response, begun);
      return;
    }
    const [resourceState, maintenance] = states[Math.min(next++, states.length - 1)] ?? [""];
    json(response, { id: "h-1", status: "Up", lifecycle: { resourceState, maintenance } });
  };
}

describe("muster maintenance enter", () => {
  it("gives policy and deadline in the API's units, and returns at once with what was begun", async () => {
    looks();
    const args = [
      "maintenance",
      "enter",
      "h-1",
      "--policy",
      "migrateElseStop",
      "--deadline",
      "30m",
    ];
    const { code, stdout } = await run([...args, "--reason", "a disk"], env());
    expect(code).toBe(0);
    expect(stdout).toContain("Enabled → PrepareForMaintenance (Up, PrepareForMaintenance)");
    expect(stdout).toContain("muster maintenance watch h-1");
    expect(api.seen.map(({ body }) => body)).toEqual([
      {
        by: expect.stringMatching(/@/) as unknown,
        reason: "a disk",
        policy: "migrateElseStop",
        deadlineSeconds: 1_800,
      },
    ]);
  });

  it.each([
    [["--deadline", "soon"], "such as 30m"],
    [["--deadline", "8d"], "604800 s"],
    [["--policy", "shoot"], "Give one of migrate, migrateElseStop, stop"],
    [["--dry-run", "--monitor"], "give one of them"],
  ])("%j - is wrong usage", async (args, says) => {
    const { code, stderr } = await run(["maintenance", "enter", "h-1", ...args], env());
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(api.seen).toEqual([]);
  });
});

describe("muster maintenance enter --monitor", () => {
  const enter = ["maintenance", "enter", "h-1", "--monitor"];

  it("prints a line for each change, and ends with 0 in Maintenance", async () => {
    const half = progress({ moved: 2, remaining: 2 });
    const done = progress({ phase: "done", moved: 4, remaining: 0, outcome: "Nothing runs." });
    looks(
      ["PrepareForMaintenance", half],
      ["PrepareForMaintenance", half],
      ["ErrorInPrepareForMaintenance", half],
      ["Maintenance", done],
    );
    const { code, stdout } = await run(enter, env());
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n").slice(1);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain(
      "h-1  PrepareForMaintenance  moving: 2 moved, 0 stopped, 2 left; waiting for the Answers for a, b",
    );
    expect(lines[1]).toContain("ErrorInPrepareForMaintenance");
    expect(lines[2]).toContain("done: 4 moved, 0 stopped, 0 left; Nothing runs.");
    expect(lines[3]).toBe("h-1 is in Maintenance");
  });

  it("writes a bar over itself on a terminal, within its width", async () => {
    const half = progress({ moved: 1, stopped: 1, remaining: 2 });
    looks(["PrepareForMaintenance", half], ["Maintenance", progress({ remaining: 0, moved: 4 })]);
    const { stdout } = await run(enter, env(), { terminal: true, width: 80 });
    const bars = stdout.split("\r").slice(1);
    expect(bars[0]).toContain("h-1  [############------------] 2/4  moving: 1 moved, 1 stopped");
    expect(bars[1]).toContain("[########################] 4/4");
    for (const bar of bars) expect(bar.split("\n")[0]?.length).toBeLessThanOrEqual(83);
  });

  it("ends with 1 when it failed, and names each machine", async () => {
    const failed = [{ vm: "a", resource: "host", reason: "no room anywhere" }];
    looks([
      "ErrorInMaintenance",
      progress({
        phase: "failed",
        failed,
        outcome: "1 machine could not be taken off the host: a.",
      }),
    ]);
    const { code, stderr } = await run(enter, env());
    expect(code).toBe(1);
    expect(stderr).toContain("h-1 is ErrorInMaintenance, not in Maintenance: 1 machine could not");
    expect(stderr).toContain("a: no room anywhere [MAINTENANCE_FAILED]");
  });

  it("ends with 1 when its cluster can't spare the host, or somebody cancels", async () => {
    const outcome = "Its cluster can't spare it now: h-2 is being prepared for maintenance.";
    looks(["PrepareForMaintenance"], ["Enabled", progress({ phase: "refused", outcome })]);
    const { code, stderr } = await run(enter, env());
    expect(code).toBe(1);
    expect(stderr).toContain(`h-1 is Enabled, not in Maintenance: ${outcome}`);
  });

  it("Ctrl-C - detaches, says so, and cancels nothing", async () => {
    const stop = new AbortController();
    looks(["PrepareForMaintenance", progress({})]);
    const answer = api.answer;
    api.answer = (request, response) => {
      answer(request, response);
      if (request.method === "GET")
        setImmediate(() => {
          stop.abort();
        });
    };
    const { code, stdout } = await run(enter, env(), { stopSignal: () => stop.signal });
    expect(code).toBe(0);
    expect(stdout).toContain("detached: the evacuation goes on");
    expect(stdout).toContain("muster maintenance cancel h-1");
    expect(api.seen.map(({ method }) => method)).not.toContain("DELETE");
  });

  it("an API that breaks off - is told once and asked again", async () => {
    let asked = 0;
    api.answer = ({ method }, response) => {
      if (method === "POST") json(response, begun);
      else if (++asked < 3) response.destroy();
      else json(response, { id: "h-1", lifecycle: { resourceState: "Maintenance" } });
    };
    const { code, stderr } = await run(enter, env());
    expect(code).toBe(0);
    expect(stderr.match(/Trying again/g)).toHaveLength(1);
  });

  it("--json - one object for each change and no words; watch does the same", async () => {
    looks(["PrepareForMaintenance", progress({})], ["Maintenance", progress({ phase: "done" })]);
    const { stdout } = await run(["maintenance", "watch", "h-1", "--json"], env());
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toMatchObject([
      { agentId: "h-1", resourceState: "PrepareForMaintenance", maintenance: { phase: "moving" } },
      { agentId: "h-1", resourceState: "Maintenance", maintenance: { phase: "done" } },
    ]);
  });
});

describe("muster maintenance enter --dry-run", () => {
  it("asks the gateway that holds the agent, and shows what would move where and what blocks", async () => {
    let asked = 0;
    api.answer = (_request, response) => {
      if (++asked === 1) {
        json(response, { code: "AGENT_ELSEWHERE", detail: "ask there", apiUrl: api.url }, 421);
        return;
      }
      json(response, {
        ...{ dryRun: true, agentId: "h-1", status: "Up", resourceState: "Enabled" },
        ...{ policy: "migrate", deadlineSeconds: 3_600 },
        blockers: [{ code: "NOBODY_TAKES", detail: "1 of 2 machines would stay: no other host." }],
        vms: [
          { vm: "a", resource: "host", action: "migrate", destination: "h-2" },
          { vm: "b", resource: "host", action: "none", detail: "no other host" },
        ],
      });
    };
    const { code, stdout } = await run(["maintenance", "enter", "h-1", "--dry-run"], env());
    expect(code).toBe(0);
    expect(stdout).toContain("h-1  Up, Enabled: 2 machines to take off the host, policy migrate");
    expect(stdout).toMatch(/^a +host +migrate +h-2$/m);
    expect(stdout).toMatch(/^b +host +stay +-$/m);
    expect(stdout).toContain("blocked  1 of 2 machines would stay: no other host. [NOBODY_TAKES]");
    expect(api.seen.map(({ body }) => body)).toMatchObject([{ dryRun: true }, { dryRun: true }]);
  });
});
