import { connect as connectTcp } from "node:net";
import { describe, expect, it } from "vitest";
import WebSocket from "ws";
import { apiToken, useOperatorRig } from "./operator-rig.ts";

const rig = useOperatorRig();
const { call } = rig;
const json = { authorization: `Bearer ${apiToken}`, "content-type": "application/json" };

async function send(path: string, init: RequestInit = {}) {
  const response = await fetch(`${rig.gateway.apiUrl}${path}`, init);
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get("content-type")?.split(";")[0],
    headers: response.headers,
    text,
    code: text.startsWith("{") ? (JSON.parse(text) as { code?: string }).code : undefined,
  };
}

describe("tokens", () => {
  it("without the right token - nothing but the health is told", async () => {
    const given: Record<string, string>[] = [
      {},
      { authorization: "Bearer wrong" },
      { authorization: `Bearer ${apiToken}x` },
      { authorization: `Bearer ${apiToken.slice(0, -1)}` },
      { authorization: `Basic ${apiToken}` },
      { authorization: apiToken },
      { authorization: "Bearer" },
    ];
    for (const headers of given) {
      for (const path of ["/api/v1/agents", "/metrics", "/nowhere", "/api/v1/openapi.json"]) {
        const refused = await send(path, { headers });
        expect(refused).toMatchObject({
          status: 401,
          type: "application/problem+json",
          code: "UNAUTHENTICATED",
        });
        expect(refused.headers.get("www-authenticate")).toContain("Bearer");
      }
    }
    expect(await send("/healthz")).toMatchObject({ status: 200 });
    expect(await send("/readyz")).toMatchObject({ status: 200 });
  });

  it("a socket without the right token, or at another path - is not opened", async () => {
    const url = rig.gateway.apiUrl.replace("http", "ws");
    const statusOf = (path: string, token: string) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url + path, { headers: { authorization: `Bearer ${token}` } });
        socket.on("error", () => undefined);
        socket.on("unexpected-response", (_request, response) => {
          response.resume();
          resolve(response.statusCode);
        });
        socket.on("open", () => {
          socket.terminate();
          resolve("open");
        });
      });
    expect(await statusOf("/api/v1/socket", "wrong")).toBe(401);
    expect(await statusOf("/elsewhere", apiToken)).toBe(404);
    expect(await statusOf("/api/v1/socket", apiToken)).toBe("open");
  });

  it("no token - ever reaches the log", () => {
    expect(JSON.stringify(rig.gateway.lines)).not.toContain(apiToken);
  });
});

describe("malformed requests", () => {
  const path = "/api/v1/agents/some-agent/commands";
  const post = (body: string, headers: Record<string, string> = json) =>
    send(path, { method: "POST", headers, body });

  it.each([
    ["not JSON", "{", 400, "MALFORMED_JSON"],
    ["no object", "[]", 400, "INVALID_REQUEST"],
    ["null", "null", 400, "INVALID_REQUEST"],
    ["no Commands", '{"commands":[]}', 400, "INVALID_REQUEST"],
    ["a Command without a type", '{"commands":[{}]}', 400, "INVALID_REQUEST"],
    [
      "a text for a number",
      '{"commands":[{"type":"A"}],"waitSeconds":"5"}',
      400,
      "INVALID_REQUEST",
    ],
    ["a field that nobody knows", '{"commands":[{"type":"A"}],"wait":5}', 400, "INVALID_REQUEST"],
    ["a lane that is none", '{"commands":[{"type":"A"}],"lane":"fast"}', 400, "INVALID_REQUEST"],
    [
      "nested too deep",
      `{"commands":[{"type":"A","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}]}`,
      400,
      "INVALID_REQUEST",
    ],
    ["too large", `{"commands":[{"type":"A","x":"${"x".repeat(1_100_000)}"}]}`, 413, "TOO_LARGE"],
    [
      "too large for the agent's frame only",
      `{"commands":[{"type":"A","x":"${"x".repeat(1_048_000)}"}]}`,
      413,
      "TOO_LARGE",
    ],
  ])("%s - is refused with problem details", async (_what, body, status, code) => {
    const refused = await post(body);
    expect(refused).toMatchObject({ status, code, type: "application/problem+json" });
  });

  it("the detail - names the place and what is wrong", async () => {
    expect((await post('{"commands":[{"type":"A"}],"wait":5}')).text).toContain("wait");
    expect((await post('{"commands":[{"type":5}]}')).text).toContain("/commands/0/type");
  });

  it("another media type - is refused", async () => {
    const headers = { ...json, "content-type": "text/plain" };
    expect(await post("hello", headers)).toMatchObject({
      status: 415,
      code: "UNSUPPORTED_MEDIA_TYPE",
    });
  });

  it("a wrong method - is told the right ones; a path that is none is not found", async () => {
    const wrong = await send("/api/v1/agents/a/commands", { method: "PUT", headers: json });
    expect(wrong).toMatchObject({ status: 405, code: "METHOD_NOT_ALLOWED" });
    expect(wrong.headers.get("allow")).toBe("POST");
    expect(await call("GET", "nowhere")).toMatchObject({
      status: 404,
      body: { code: "ROUTE_UNKNOWN" },
    });
  });

  it.each(["agents?limit=0", "agents?limit=x", "agents?colour=red", "agents/%00", "agents/a%2Fb"])(
    "GET %s - is refused",
    async (bad) => {
      expect(await call("GET", bad)).toMatchObject({
        status: 400,
        body: { code: "INVALID_REQUEST" },
      });
    },
  );

  it("what is no HTTP at all - harms nobody", async () => {
    const { hostname, port } = new URL(rig.gateway.apiUrl);
    const reply = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connectTcp(Number(port), hostname, () => {
        socket.write(Buffer.from([0, 1, 2, 255, 254, 13, 10, 13, 10]));
      });
      socket.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
      socket.on("close", () => {
        resolve(text);
      });
    });
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect(reply).toContain('"code":"INVALID_REQUEST"');
    expect(await call("GET", "agents")).toMatchObject({ status: 200 });
  });
});

describe("what describes the API", () => {
  it("openapi.json - lists every path with its problems", async () => {
    const { status, body } = await call("GET", "openapi.json");
    expect(status).toBe(200);
    expect(body["openapi"]).toBe("3.1.0");
    const paths = body["paths"] as Record<string, Record<string, { responses: object }>>;
    expect(
      Object.entries(paths)
        .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
        .sort(),
    ).toEqual([
      "delete /api/v1/agents/{id}",
      "delete /api/v1/agents/{id}/maintenance",
      "delete /api/v1/agents/{id}/recurring/{name}",
      "delete /api/v1/gateways/{id}/drain",
      "delete /api/v1/requests/{id}",
      "delete /api/v1/webhooks/{id}",
      "delete /api/v1/zones/{zone}",
      "delete /api/v1/zones/{zone}/clusters/{cluster}",
      "get /api/v1/agents",
      "get /api/v1/agents/{id}",
      "get /api/v1/agents/{id}/events",
      "get /api/v1/agents/{id}/recurring",
      "get /api/v1/agents/{id}/why",
      "get /api/v1/balancer",
      "get /api/v1/brakes",
      "get /api/v1/clusters",
      "get /api/v1/direct-agents",
      "get /api/v1/direct-agents/{id}",
      "get /api/v1/events",
      "get /api/v1/gateways",
      "get /api/v1/gateways/{id}/drain",
      "get /api/v1/recoveries",
      "get /api/v1/refusals",
      "get /api/v1/refusals/{id}",
      "get /api/v1/requests/{id}",
      "get /api/v1/webhooks",
      "get /api/v1/zones",
      "get /api/v1/zones/{zone}/clusters",
      "patch /api/v1/agents/{id}",
      "post /api/v1/agents/{id}/commands",
      "post /api/v1/agents/{id}/disable",
      "post /api/v1/agents/{id}/enable",
      "post /api/v1/agents/{id}/maintenance",
      "post /api/v1/agents/{id}/manage",
      "post /api/v1/agents/{id}/reconnect",
      "post /api/v1/agents/{id}/recurring",
      "post /api/v1/agents/{id}/unmanage",
      "post /api/v1/brakes/release",
      "post /api/v1/direct-agents",
      "post /api/v1/gateways/{id}/drain",
      "post /api/v1/gateways/{id}/drain/pause",
      "post /api/v1/gateways/{id}/drain/resume",
      "post /api/v1/webhooks",
      "post /api/v1/webhooks/{id}/resume",
      "post /api/v1/webhooks/{id}/test",
      "post /api/v1/zones",
      "post /api/v1/zones/{zone}/clusters",
    ]);
    expect(paths["/api/v1/agents/{id}"]?.["get"]?.responses).toMatchObject({
      200: { content: { "application/json": {} } },
      default: { content: { "application/problem+json": {} } },
    });
  });

  it("metrics - hold the API's own figures", async () => {
    await call("GET", "gateways");
    const { text } = await send("/metrics", { headers: json });
    expect(text).toMatch(
      /muster_api_request_seconds_count\{method="GET",route="\/api\/v1\/gateways",status="200"\} \d+/,
    );
    expect(text).toContain("muster_api_sockets 0");
  });
});
