import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../unit/cli/run.ts";
import { json, useFakeApi } from "./fake-api.ts";

const api = useFakeApi();
const token = "token-of-the-environment-0123";
let home = "";
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "muster-cli-"));
  mkdirSync(join(home, "secrets"));
  writeFileSync(join(home, "secrets", "api-token"), "token-of-the-home-0123456789\n");
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

const env = () => ({ MUSTER_HOME: home, MUSTER_API_URL: api.url, MUSTER_API_TOKEN: token });
const verbResult = { status: "Up", resourceState: "Enabled", details: "Disabled → Enabled" };

describe("what the verbs ask of the operator API", () => {
  it.each([
    { args: ["maintenance", "enter", "h/1"], asks: ["POST", "agents/h%2F1/maintenance"] },
    { args: ["enable", "h-1"], asks: ["POST", "agents/h-1/enable"] },
    { args: ["disable", "h-1"], asks: ["POST", "agents/h-1/disable"] },
    { args: ["unmanage", "h-1"], asks: ["POST", "agents/h-1/unmanage"] },
    { args: ["manage", "h-1"], asks: ["POST", "agents/h-1/manage"] },
    { args: ["reconnect", "h-1"], asks: ["POST", "agents/h-1/reconnect"] },
  ])("muster $args", async ({ args, asks }) => {
    api.answer = (_request, response) => {
      json(response, verbResult);
    };
    const { code, stdout } = await run([...args, "--reason", "a new disk"], env());
    expect(code).toBe(0);
    expect(stdout).toContain("Disabled → Enabled (Up, Enabled)");
    expect(api.seen).toHaveLength(1);
    const { method, path, body, headers } = api.seen[0] ?? {};
    expect([method, path]).toEqual([asks[0], `/api/v1/${asks[1] ?? ""}`]);
    expect(body).toEqual({ by: expect.stringMatching(/.@./) as unknown, reason: "a new disk" });
    expect(headers?.authorization).toBe(`Bearer ${token}`);
  });

  it("removes and cancels maintenance by DELETE, with who asks in the query", async () => {
    api.answer = (_request, response) => {
      json(response, verbResult);
    };
    expect((await run(["remove", "h-1", "--yes"], env())).code).toBe(0);
    expect((await run(["maintenance", "cancel", "h-1"], env())).code).toBe(0);
    expect(api.seen.map(({ method }) => method)).toEqual(["DELETE", "DELETE"]);
    expect(api.seen[0]?.path).toMatch(/^\/api\/v1\/agents\/h-1\?by=.+/);
    expect(api.seen[1]?.path).toMatch(/^\/api\/v1\/agents\/h-1\/maintenance\?by=.+/);
  });

  it("changes ping settings in the API's units", async () => {
    api.answer = (_request, response) => {
      json(response, verbResult);
    };
    const args = ["configure", "h-1", "--ping-interval", "1.5", "--ping-multiplier", "3"];
    expect((await run(args, env())).code).toBe(0);
    expect(api.seen[0]).toMatchObject({
      method: "PATCH",
      path: "/api/v1/agents/h-1",
      body: { pingIntervalMs: 1_500, pingTimeoutMultiplier: 3 },
    });
  });

  it("reads all pages of agents, with the filters in each call", async () => {
    const agent = (id: string) => ({
      ...{ id, zone: "z", cluster: "c", resourceType: "kvm", status: "Up", statusReason: "" },
      ...{ statusSince: new Date().toISOString(), resourceState: "Enabled", host: {} },
      ...{ gatewayId: "g", epoch: 1, connectedAt: null },
    });
    api.answer = ({ path }, response) => {
      if (path.startsWith("/api/v1/refusals")) {
        json(response, { refusals: [], next: null });
        return;
      }
      const isFirst = !path.includes("after=");
      json(response, { agents: [agent(isFirst ? "a" : "b")], next: isFirst ? "a" : null });
    };
    const args = ["agents", "--status", "up", "--type", "kvm", "--gateway", "g", "--json"];
    const { stdout } = await run(args, env());
    const { agents } = JSON.parse(stdout) as { agents: readonly { id: string }[] };
    expect(agents.map(({ id }) => id)).toEqual(["a", "b"]);
    const pages = api.seen.filter(({ path }) => path.startsWith("/api/v1/agents"));
    expect(pages).toHaveLength(2);
    for (const { path } of pages) {
      const { searchParams } = new URL(path, api.url);
      expect(Object.fromEntries(searchParams)).toMatchObject({
        ...{ status: "Up", resourceType: "kvm", gatewayId: "g" },
      });
    }
  });
});

describe("muster zone and muster cluster", () => {
  const cluster = { zone: "z/1", name: "c1", resourceType: "kvm", learnt: false, agents: 0 };

  it.each([
    { args: ["zone", "add", "z/1"], asks: ["POST", "zones"], body: { name: "z/1" } },
    { args: ["zone", "remove", "z/1"], asks: ["DELETE", "zones/z%2F1"] },
    { args: ["zone", "list"], asks: ["GET", "zones"] },
    {
      args: ["cluster", "add", "z/1", "c1", "--type", "kvm"],
      asks: ["POST", "zones/z%2F1/clusters"],
      body: { name: "c1", resourceType: "kvm" },
    },
    { args: ["cluster", "remove", "z/1", "c1"], asks: ["DELETE", "zones/z%2F1/clusters/c1"] },
    { args: ["cluster", "list"], asks: ["GET", "clusters"] },
    { args: ["cluster", "list", "--zone", "z/1"], asks: ["GET", "zones/z%2F1/clusters"] },
  ])("muster $args", async ({ args, asks, body }) => {
    const answer = { ...cluster, declaredAt: new Date().toISOString(), zones: [], clusters: [] };
    api.answer = (_request, response) => {
      json(response, answer);
    };
    expect((await run(args, env())).code).toBe(0);
    const { code, stdout } = await run([...args, "--json"], env());
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toBeTypeOf("object");
    const { method, path, body: sent } = api.seen[0] ?? {};
    expect([method, path]).toEqual([asks[0], `/api/v1/${asks[1] ?? ""}`]);
    if (body !== undefined) expect(sent).toEqual(body);
  });

  it("says what is in the way, with its code", async () => {
    api.answer = (_request, response) => {
      const detail = "Zone z still has 3 agents. Move them.";
      json(response, { code: "PLACE_IN_USE", detail, status: 409 }, 409);
    };
    const { code, stderr } = await run(["zone", "remove", "z"], env());
    expect(code).toBe(1);
    expect(stderr).toMatch(/3 agents\. Move them\. \[PLACE_IN_USE\]/);
  });

  it("a cluster without its type is wrong usage", async () => {
    expect((await run(["cluster", "add", "z", "c"], env())).code).toBe(2);
  });
});

describe("muster why of an agent that was never admitted", () => {
  const refusal = {
    ...{ agentId: "h-9", registered: false, code: "ZONE_UNKNOWN", reason: "Declare zone z." },
    ...{ peer: "10.0.0.9:1", gatewayId: "g", zone: "z", cluster: "c", resourceType: "kvm" },
    ...{ firstAt: new Date().toISOString(), lastAt: new Date().toISOString(), count: 1 },
  };

  it("explains the refusal; one that nobody knows is an error", async () => {
    let known = true;
    api.answer = ({ path }, response) => {
      if (path.startsWith("/api/v1/refusals/") && known) json(response, refusal);
      else json(response, { code: "AGENT_UNKNOWN", detail: "No agent.", status: 404 }, 404);
    };
    const { code, stdout } = await run(["why", "h-9"], env());
    expect(code).toBe(0);
    expect(stdout).toContain("Declare zone z. [ZONE_UNKNOWN]");
    expect(JSON.parse((await run(["why", "h-9", "--json"], env())).stdout)).toEqual({ refusal });
    known = false;
    const unknown = await run(["why", "h-9"], env());
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain("[AGENT_UNKNOWN]");
  });
});

describe("muster send", () => {
  const answer = { type: "StopVmAnswer", commandId: "c", result: true };

  it("sends the Command with a request id, and its options", async () => {
    api.answer = (_request, response) => {
      json(response, { requestId: "r", answers: [answer] });
    };
    const options = ["--wait", "7.5", "--on-error", "continue", "--request-id", "r-7"];
    const { code } = await run(["send", "h-1", "StopVm", '{"vm":"w"}', ...options], env());
    expect(code).toBe(0);
    expect(api.seen[0]?.body).toEqual({
      commands: [{ type: "StopVm", vm: "w" }],
      ...{ lane: "durable", requestId: "r-7", onError: "continue", waitSeconds: 7.5 },
    });
  });

  it("exits with 1 when an Answer says no, and still prints it", async () => {
    const failed = { ...answer, result: false, errorCode: "VM_NOT_FOUND", details: "no VM w" };
    api.answer = (_request, response) => {
      json(response, { requestId: "r", answers: [failed] });
    };
    const { code, stdout, stderr } = await run(["send", "h-1", "StopVm", "--json"], env());
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ requestId: "r", answers: [failed] });
    expect(stderr).toContain("failed [VM_NOT_FOUND]: no VM w");
  });

  it("says how to hear of a Command whose Answer did not come in time", async () => {
    // Never answers.
    api.answer = () => undefined;
    const args = ["send", "h-1", "StopVm", "--request-id", "r-9", "--timeout", "0.2"];
    const { code, stderr } = await run(args, env());
    expect(code).toBe(1);
    expect(stderr).toContain("did not answer within 0.2 s");
    expect(stderr).toContain("muster request r-9");
  });

  it("says so too when the gateway dies in the middle", async () => {
    api.answer = (_request, response) => {
      response.destroy();
    };
    const { code, stderr } = await run(["send", "h-1", "StopVm", "--request-id", "r-9"], env());
    expect(code).toBe(1);
    expect(stderr).toContain("broke off");
    expect(stderr).toContain("--request-id r-9, which never runs it twice");
  });

  it("goes on to the gateway that holds the agent, once", async () => {
    api.answer = ({ path }, response) => {
      if (path.startsWith("/elsewhere")) json(response, { requestId: "r", answers: [answer] });
      else
        json(
          response,
          { code: "AGENT_ELSEWHERE", detail: "!", apiUrl: `${api.url}/elsewhere` },
          421,
        );
    };
    const { code } = await run(["send", "h-1", "ListVms", "--lane", "direct"], env());
    expect(code).toBe(0);
    expect(api.seen.map(({ path }) => path)).toEqual([
      "/api/v1/agents/h-1/commands",
      "/elsewhere/api/v1/agents/h-1/commands",
    ]);
  });
});

describe("refusals", () => {
  it("are told in the API's words, with their code", async () => {
    api.answer = (_request, response) => {
      json(
        response,
        { code: "AGENT_UNKNOWN", detail: "There is no agent h-\u001b[9.", status: 404 },
        404,
      );
    };
    const { code, stdout, stderr } = await run(["why", "h-9"], env());
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe("muster: There is no agent h-·[9. [AGENT_UNKNOWN]\n");
  });

  it("of the token say which setting to change", async () => {
    api.answer = (_request, response) => {
      json(response, { code: "UNAUTHENTICATED", detail: "Show MUSTER_API_TOKEN" }, 401);
    };
    const { code, stderr } = await run(["agents"], env());
    expect(code).toBe(1);
    expect(stderr).toContain("Set MUSTER_API_TOKEN");
  });

  it("of something that is no operator API say so", async () => {
    api.answer = (_request, response) => {
      response.writeHead(502).end("<html>Bad gateway</html>");
    };
    const { code, stderr } = await run(["gateways"], env());
    expect(code).toBe(1);
    expect(stderr).toContain("not the operator API of Muster");
  });
});

describe("the token of MUSTER_HOME", () => {
  it("is shown to this machine, when the environment has none", async () => {
    api.answer = (_request, response) => {
      json(response, { gateways: [] });
    };
    const { code, stdout } = await run(["gateways"], {
      MUSTER_HOME: home,
      MUSTER_API_URL: api.url,
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "no gateways\n" });
    expect(api.seen[0]?.headers.authorization).toBe("Bearer token-of-the-home-0123456789");
  });

  it("is not shown to another machine", async () => {
    const elsewhere = { MUSTER_HOME: home, MUSTER_API_URL: "http://muster.example" };
    const { code, stderr } = await run(["gateways"], elsewhere);
    expect(code).toBe(2);
    expect(stderr).toContain("MUSTER_API_TOKEN");
  });
});

describe("muster events", () => {
  const event = (id: number) => ({
    ...{ id, agentId: "h-1", no: id, at: new Date().toISOString(), epoch: 1 },
    ...{ type: "status", text: "Up → Down: Größe" },
  });
  const block = (id: number) => `id: ${id}\nevent: status\ndata: ${JSON.stringify(event(id))}\n\n`;

  it("prints what there is from the beginning, and ends when no more comes", async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("retry: 2000\n\n: alive\n\n");
      // Broken in the middle of an event and of a letter.
      const bytes = Buffer.from(block(1) + block(2));
      const cut = bytes.indexOf("ö") + 1;
      response.write(bytes.subarray(0, cut), () => response.write(bytes.subarray(cut)));
    };
    const { code, stdout } = await run(["events", "--json", "--agent", "h-1"], env());
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { id: 1, text: "Up → Down: Größe" },
      { id: 2 },
    ]);
    expect(api.seen[0]?.headers["last-event-id"]).toBe("0");
    expect(api.seen[0]?.path).toBe("/api/v1/events?agentId=h-1");
  });

  it("takes up a stream that broke off after the last event it saw", async () => {
    api.answer = ({ headers }, response) => {
      if (headers["last-event-id"] === "2") {
        json(response, { code: "ENOUGH", detail: "That is all of the test." }, 400);
        return;
      }
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(block(2), () => response.destroy());
    };
    const { code, stdout, stderr } = await run(["events", "--follow", "--after", "1"], env());
    expect(code).toBe(1);
    expect(api.seen.map(({ headers }) => headers["last-event-id"])).toEqual(["1", "2"]);
    expect(stdout).toMatch(/^ +2 {2}\d{4}-.* h-1 {2}status {2}Up → Down: Größe\n$/);
    expect(stderr).toMatch(/broke off.*Trying again/);
    expect(stderr).toContain("ENOUGH");
  });
});
