import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../unit/cli/run.ts";
import { json, useFakeApi } from "./fake-api.ts";

const api = useFakeApi();
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-cli-webhook-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const env = () => ({ MUSTER_API_URL: api.url, MUSTER_API_TOKEN: "token-of-the-environment-0123" });

const webhook = {
  ...{ id: "wh-1", url: "https://example.org/hook", types: null, state: "delivering" },
  ...{ cursorId: 17, createdAt: "2026-11-23T11:00:00Z", deliveredAt: "2026-11-23T11:59:00Z" },
  ...{ failures: 0, lastError: null, pausedAt: null },
};

describe("muster webhook", () => {
  it("add - sends what was said, and shows the secret", async () => {
    const secretFile = join(folder, "secret");
    writeFileSync(secretFile, "whsec_of-the-file\n");
    api.answer = (_request, response) => {
      json(response, { ...webhook, secret: "whsec_shown-once" });
    };
    const args = ["webhook", "add", webhook.url, "--types", "status, verdict", "--from-start"];
    const { code, stdout } = await run([...args, "--secret", `@${secretFile}`], env());
    expect(code).toBe(0);
    expect(stdout).toContain("whsec_shown-once (keep it: it is not shown again)");
    expect(api.seen[0]).toMatchObject({
      method: "POST",
      path: "/api/v1/webhooks",
      body: {
        ...{ url: webhook.url, types: ["status", "verdict"], fromStart: true },
        secret: "whsec_of-the-file",
      },
    });
    await run(["webhook", "add", webhook.url], env());
    expect(api.seen[1]?.body).toEqual({ url: webhook.url });
    const missing = await run(["webhook", "add", webhook.url, "--secret", "@/no/such"], env());
    expect(missing.code).toBe(2);
  });

  it("list - one line each, and what to do about those that are not delivered", async () => {
    api.answer = (_request, response) => {
      const failing = { ...webhook, id: "wh-2", state: "failing", failures: 4 };
      const paused = { ...webhook, id: "wh-3", state: "paused", pausedAt: webhook.createdAt };
      json(response, {
        webhooks: [
          webhook,
          { ...failing, types: ["status"], lastError: "It answered 503" },
          { ...paused, deliveredAt: null, lastError: "It answered 410" },
        ],
      });
    };
    const { stdout } = await run(["webhook", "list"], env());
    expect(stdout).toBe(
      [
        "WEBHOOK  STATE       DELIVERED  FAILED  EVENT  TYPES   URL",
        "wh-1     delivering  1 min ago       0     17  all     https://example.org/hook",
        "wh-2     failing     1 min ago       4     17  status  https://example.org/hook",
        "wh-3     paused          never       0     17  all     https://example.org/hook",
        "wh-2  It answered 503. It is tried again.",
        "wh-3  paused: It answered 410. Correct it, try `muster webhook test wh-3`, then `muster webhook resume wh-3`.",
        "",
      ].join("\n"),
    );
    api.answer = (_request, response) => {
      json(response, { webhooks: [] });
    };
    expect((await run(["webhook", "list"], env())).stdout).toBe("no webhooks\n");
    expect((await run(["webhook", "list", "--json"], env())).stdout).toBe('{"webhooks":[]}\n');
  });

  it("test - tells how it was taken; not accepted is a failure", async () => {
    api.answer = (_request, response) => {
      const details = "The endpoint accepted the message.";
      json(response, { accepted: true, status: 204, tookMs: 120, details });
    };
    const good = await run(["webhook", "test", "wh-1"], env());
    expect(good).toMatchObject({
      code: 0,
      stdout: "The endpoint accepted the message. (0.12 s)\n",
    });
    expect(api.seen[0]).toMatchObject({ method: "POST", path: "/api/v1/webhooks/wh-1/test" });
    api.answer = (_request, response) => {
      json(response, { accepted: false, status: 500, tookMs: 10, details: "It answered 500." });
    };
    const bad = await run(["webhook", "test", "wh-1", "--json"], env());
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.stdout)).toMatchObject({ accepted: false, status: 500 });
  });

  it("remove and resume - ask for the webhook that was named", async () => {
    api.answer = ({ method }, response) => {
      json(response, method === "DELETE" ? { id: "wh/1", removed: true } : webhook);
    };
    expect((await run(["webhook", "remove", "wh/1"], env())).stdout).toBe("wh/1 is removed\n");
    expect((await run(["webhook", "resume", "wh-1"], env())).code).toBe(0);
    expect(api.seen.map(({ method, path }) => [method, path])).toEqual([
      ["DELETE", "/api/v1/webhooks/wh%2F1"],
      ["POST", "/api/v1/webhooks/wh-1/resume"],
    ]);
  });
});

describe("muster events", () => {
  it("--types - are asked for", async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).end();
    };
    await run(["events", "--types", "status,verdict", "--agent", "h-1"], env());
    expect(api.seen[0]?.path).toBe("/api/v1/events?agentId=h-1&types=status%2Cverdict");
  });
});
