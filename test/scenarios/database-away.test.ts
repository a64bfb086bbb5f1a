/** PostgreSQL away for half a minute: lifecycles go on, and what happened meanwhile is all told afterwards. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentWorkflowId, stateQuery } from "../../src/workflows/agent-messages.ts";
import { startTcpProxy, type TcpProxy } from "../helpers/tcp-proxy.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { useCluster, type Gateway } from "./cluster.ts";

const awayMs = 30_000;
let proxy: TcpProxy;
let databaseUrl = "";
const { cluster, home, database, temporal } = useCluster(() => ({ DATABASE_URL: databaseUrl }));
let gateway: Gateway;

beforeAll(async () => {
  const url = new URL(database.url);
  proxy = await startTcpProxy(Number(url.port), url.hostname);
  url.hostname = "127.0.0.1";
  url.port = String(proxy.port);
  databaseUrl = url.href;
  await cluster.startWorker();
  gateway = await cluster.startGateway("gateway-1");
});
afterAll(() => proxy.close());

/** The lifecycle itself, which needs no database. */
const status = async (agentId: string) =>
  (await temporal.client.workflow.getHandle(agentWorkflowId(agentId)).query(stateQuery)).status;

it("losses are noticed and explained, live agents stay Up, and the log is whole afterwards", async () => {
  const start = (agentId: string) =>
    cluster.startAgent(agentId, [gateway.agentUrl], { home: home() });
  await start("steady");
  const victim = await start("victim");
  await cluster.untilStatus("steady", "Up");
  await cluster.untilStatus("victim", "Up");

  proxy.refuse(true);
  proxy.cut();
  const goneAtMs = performance.now();
  victim.signal("SIGKILL");
  await waitUntil("the loss is noticed", async () => (await status("victim")) === "Disconnected");
  await waitUntil(
    "half a minute is over, the steady one Up all the while",
    async () => {
      expect(await status("steady")).toBe("Up");
      return performance.now() - goneAtMs > awayMs;
    },
    { timeoutMs: 2 * awayMs, everyMs: 500 },
  );
  proxy.refuse(false);

  const { loss } = await waitUntil(
    "the loss is told",
    async () => {
      const { status: code, body } = await cluster.call("GET", "agents/victim/why");
      const told = body as { readonly loss: { readonly asked: readonly unknown[] } | null };
      return code === 200 && (told.loss?.asked.length ?? 0) > 0 && told;
    },
    { timeoutMs: 90_000 },
  );
  expect(loss).toMatchObject({ lost: { rule: "socketLost" }, decided: { rule: "nobodyKnows" } });
  const { body } = await cluster.call("GET", "agents/victim/events?limit=1000");
  const numbers = (body as { events: readonly { no: number }[] }).events.map(({ no }) => no);
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
  await start("victim");
  await cluster.untilStatus("victim", "Up");
  await cluster.untilStatus("steady", "Up");
});
