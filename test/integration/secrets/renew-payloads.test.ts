import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { expect, it } from "vitest";
import { undeclaredTraits } from "../../../src/api/index.ts";
import {
  addWebhook,
  declareDirectAgent,
  findWebhookWithSecret,
  listDirectConfigs,
} from "../../../src/db/index.ts";
import { Keyring, newKeyEntry } from "../../../src/secrets/keyring.ts";
import {
  directConfigPlace,
  openText,
  sealText,
  webhookPlace,
} from "../../../src/secrets/sealed-text.ts";
import { renewPayloads } from "../../../src/worker/setup/renew-payloads.ts";
import { agentWorkflowId } from "../../../src/workflows/agent-messages.ts";
import { hostRecoveryType } from "../../../src/workflows/recovery-messages.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { TestAgent } from "../gateway/test-agent.ts";
import { joinToken, testConfig, useGateway, useWorker } from "../gateway/test-gateway.ts";

const [k1, k2] = [newKeyEntry("k1"), newKeyEntry("k2")];
const database = useDatabase();
const temporal = useTemporal();
// Workers write with the new key already, the gateway still seals with the old one.
useWorker(temporal, database, Keyring.parse(`${k2},${k1}`));
const shared = useGateway(temporal, database, { MUSTER_PAYLOAD_KEY: `${k1},${k2}` });
const log = pino({ level: "silent" });
const config = () => testConfig(temporal, database.url, { MUSTER_PAYLOAD_KEY: `${k2},${k1}` });

it("renewal of payloads - begins every run anew, seals webhooks anew, and names what needs the old key still", async () => {
  const commandTypes = { SetPassword: { ...undeclaredTraits, secretFields: ["password"] } };
  const agent = await TestAgent.connect(shared.gateway.agentUrl, { joinToken, commandTypes });
  const commands = [{ type: "SetPassword", id: randomUUID(), password: "correct horse" }];
  const request = { requestId: randomUUID(), commands, onError: "stop", waitSeconds: 600 } as const;
  await shared.gateway.lanes.submitDurable(agent.agentId, request);
  const handle = temporal.client.workflow.getHandle(agentWorkflowId(agent.agentId));
  const { runId } = await handle.describe();
  const webhook = { id: "wh-1", url: "http://127.0.0.1:1", types: null, cursorId: 0 };
  const secret = sealText(Keyring.parse(k1), webhookPlace("wh-1"), "whsec_abc");
  await addWebhook(database.pool, { ...webhook, secret });

  const direct = { id: "d-1", zone: "z", cluster: "c", resource: "kvm", shownConfig: {} };
  const settings = sealText(Keyring.parse(k1), directConfigPlace("d-1"), '{"password":"p"}');
  await declareDirectAgent(database.pool, { ...direct, config: settings });

  const told: number[] = [];
  const { signal } = new AbortController();
  const done = await renewPayloads(config(), log, signal, ({ left }) => told.push(left));
  expect(done).toMatchObject({
    ...{ webhooks: 1, directAgents: 1, left: 0 },
    sealed: { requests: 1, keyIds: ["k1"] },
  });
  expect(done.sealed.overInMs).toBeGreaterThan(60_000);
  expect(done.sealed.overInMs).toBeLessThanOrEqual(600_000);
  expect(told.at(-1)).toBe(0);
  expect((await handle.describe()).runId).not.toBe(runId);
  const kept = await findWebhookWithSecret(database.pool, "wh-1");
  expect(kept?.secret).toMatch(/^sealed:k2:/);
  const [listed] = await listDirectConfigs(database.pool);
  const opened = openText(Keyring.parse(k2), directConfigPlace("d-1"), listed?.config ?? "");
  expect(opened).toEqual({ text: '{"password":"p"}', outdated: false });

  agent.close();
});

it("renewal of payloads - that is broken off says that the older keys are needed", async () => {
  const { client } = temporal;
  const stuck = await client.workflow.start(hostRecoveryType, {
    workflowId: `recovery/${randomUUID()}`,
    taskQueue: "nobody-polls-this",
  });
  const stop = new AbortController();
  const renewing = renewPayloads(config(), log, stop.signal, ({ runs, left }) => {
    if (runs > 0 && left > 0) stop.abort();
  });
  await expect(renewing).rejects.toMatchObject({ code: "NOT_RENEWED" });
  await stuck.terminate();
});
