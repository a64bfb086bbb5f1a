/** Workers that die or stop in the middle of deliveries: nothing is lost, each agent's events stay in order. */
import { randomUUID } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { startMuster, type MusterProcess } from "../../helpers/processes.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { useEndpoints, withoutRepeats } from "./endpoint.ts";
import { appendFromMany } from "./events-of-tests.ts";
import { useWebhookRig } from "./webhook-rig.ts";

const rig = useWebhookRig({ withWorker: false });
const startEndpoint = useEndpoints();
vi.setConfig({ testTimeout: 300_000 });
const longWait = { timeoutMs: 120_000 };

async function startWorker(): Promise<MusterProcess> {
  return await startMuster(["worker"], {
    env: {
      ...{ MUSTER_HOST: "127.0.0.1", MUSTER_WORKER_PORT: "0", DATABASE_URL: rig.database.url },
      TEMPORAL_ADDRESS: rig.temporal.address,
      TEMPORAL_NAMESPACE: rig.temporal.namespace,
    },
  });
}
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe("a webhook whose worker", () => {
  it.each(["SIGKILL", "SIGTERM"] as const)(
    "gets %s while it delivers - is delivered on by another one, from its cursor",
    async (signal) => {
      const endpoint = await startEndpoint();
      const agentIds = upTo(5).map((n) => `${signal}-${n}-${randomUUID()}`);
      let requests = 0;
      let held = (): void => undefined;
      // Flaps, and keeps the tenth request open until the worker is told to go.
      endpoint.behave = (delivery, response) => {
        requests++;
        if (requests === 10) {
          held = () => {
            delivery.status = 200;
            response.writeHead(200).end();
          };
          return undefined;
        }
        return requests % 4 === 0 ? 503 : 200;
      };
      const first = await startWorker();
      const { id } = await rig.add(endpoint);
      const writing = appendFromMany(rig.database.pool, agentIds, 200);
      await waitUntil(
        "a request is open",
        async () => {
          // News for as long as it takes: requests come one by one.
          await appendFromMany(rig.database.pool, [`extra-${randomUUID()}`], 2);
          return requests >= 10;
        },
        { ...longWait, everyMs: 100 },
      );
      first.signal(signal);
      held();
      await first.ended;
      await writing;
      const second = await startWorker();
      const arrived = () =>
        agentIds.map((agentId) =>
          withoutRepeats(endpoint.accepted)
            .filter((event) => event.agentId === agentId)
            .map(({ no }) => no),
        );
      await waitUntil(
        "all are here",
        () => arrived().every((numbers) => numbers.length >= 200),
        longWait,
      );
      expect(arrived()).toEqual(agentIds.map(() => upTo(200)));
      expect(endpoint.deliveries.every(({ verified }) => verified)).toBe(true);
      const newest = Math.max(...endpoint.accepted.map((event) => event.id));
      await waitUntil("the cursor is at the end", async () => {
        return (await rig.find(id))?.cursorId === newest;
      });
      await rig.call("DELETE", `webhooks/${id}`);
      expect(await second.stop()).toBe(0);
    },
  );
});
