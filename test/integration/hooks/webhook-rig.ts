/** A real gateway and a real worker in this process, PostgreSQL and Temporal, for webhooks. */
import { afterAll, beforeAll } from "vitest";
import { runWorker } from "../../../src/worker/run.ts";
import { useDatabase, type TestDatabase } from "../../helpers/database.ts";
import { useTemporal, type TestTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { keepLog, testConfig, type LogLine } from "../gateway/test-gateway.ts";
import {
  apiToken,
  callApi,
  startOperatorGateway,
  type OperatorGateway,
  type Reply,
} from "../operator/operator-rig.ts";
import type { Endpoint } from "./endpoint.ts";

export interface WebhookJson {
  readonly id: string;
  readonly url: string;
  readonly types: readonly string[] | null;
  readonly state: string;
  readonly cursorId: number;
  readonly failures: number;
  readonly lastError: string | null;
  readonly secret?: string;
}

export interface WebhookRig {
  readonly database: TestDatabase;
  readonly temporal: TestTemporal;
  /** What gateway and worker have logged. */
  readonly lines: () => readonly LogLine[];
  readonly env: () => Record<string, string>;
  readonly call: (method: string, path: string, body?: unknown) => Promise<Reply>;
  /** Adds a webhook for an endpoint, which learns the secret. */
  readonly add: (endpoint: Endpoint, more?: object) => Promise<WebhookJson>;
  readonly find: (id: string) => Promise<WebhookJson | undefined>;
}

/** `withWorker: false`: the test starts its own. */
export function useWebhookRig({ withWorker = true } = {}): WebhookRig {
  const database = useDatabase();
  const temporal = useTemporal();
  const { log, lines } = keepLog();
  const stop = new AbortController();
  let gateway: OperatorGateway | undefined;
  let worker: Promise<void> | undefined;

  const env = () => ({ MUSTER_API_TOKEN: apiToken });
  beforeAll(async () => {
    const config = testConfig(temporal, database.url, env());
    if (withWorker) {
      let ready = false;
      const roles = { lifecycle: true, activities: true };
      worker = runWorker(config, roles, log, stop.signal, () => (ready = true));
      await waitUntil("the worker polls", () => ready);
    }
    gateway = await startOperatorGateway(config);
  });
  afterAll(async () => {
    await gateway?.stop();
    stop.abort();
    await worker;
  });
  const call: WebhookRig["call"] = async (method, path, body) =>
    await callApi(gateway?.apiUrl ?? "", method, path, body);
  const find = async (id: string): Promise<WebhookJson | undefined> => {
    const { body } = await call("GET", "webhooks");
    return (body["webhooks"] as WebhookJson[]).find((one) => one.id === id);
  };
  return {
    database,
    temporal,
    lines: () => [...lines, ...(gateway?.lines ?? [])],
    env,
    call,
    find,
    add: async (endpoint, more = {}) => {
      const { status, body } = await call("POST", "webhooks", { url: endpoint.url, ...more });
      if (status !== 200) throw new Error(JSON.stringify(body));
      const webhook = body as unknown as WebhookJson;
      endpoint.secret = webhook.secret ?? "";
      return webhook;
    },
  };
}
