/**
 * `muster payload-key renew`: what runs or is kept is written anew with the payload key that encrypts now, so that older
 * keys can be taken out of the keyring. Safe to run again, and to break off.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { WorkflowNotFoundError } from "@temporalio/client";
import { need, type Config } from "../../config/index.ts";
import {
  listDirectConfigs,
  listWebhookSecrets,
  openPool,
  replaceDirectConfig,
  replaceWebhookSecret,
  type Db,
} from "../../db/index.ts";
import type { Keyring } from "../../secrets/keyring.ts";
import { directConfigPlace, openText, sealText, webhookPlace } from "../../secrets/sealed-text.ts";
import type { Log } from "../../telemetry/log.ts";
import { connectClient, type ConnectedClient } from "../../temporal/index.ts";
import {
  agentLifecycleType,
  agentWorkflowId,
  pendingQuery,
} from "../../workflows/agent-messages.ts";
import { balancerType } from "../../workflows/balancer-messages.ts";
import { gatewayLifecycleType } from "../../workflows/gateway-messages.ts";
import { renewSignal } from "../../workflows/renewal-messages.ts";
import { hostRecoveryType } from "../../workflows/recovery-messages.ts";
import { webhookDeliveryType } from "../../workflows/webhook-messages.ts";
import { SetupError } from "./errors.ts";

/** Those that live long enough to need it, and those that are over in a moment. */
const askedTypes = [agentLifecycleType, gatewayLifecycleType, webhookDeliveryType, balancerType];
const waitedForTypes = [...askedTypes, hostRecoveryType];
/** Runs that are asked at once: each costs a worker some 30 ms. */
const askedAtOnce = 20;
/** Between two looks at what still runs. */
const lookMs = 1_000;

export interface RenewalProgress {
  /** Webhooks whose secret was kept in another form. */
  readonly webhooks: number;
  /** Direct agents whose config was kept in another form. */
  readonly directAgents: number;
  /** Runs of workflows that there were at the beginning, and those that still go on. */
  readonly runs: number;
  readonly left: number;
  /** Requests with secrets that are sealed with an older key, which they need until they are over. */
  readonly sealed: SealedRequests;
}

interface SealedRequests {
  readonly requests: number;
  readonly keyIds: readonly string[];
  /** When the last of them is over at the latest, from now on. */
  readonly overInMs: number;
}

/**
 * Renews webhooks' secrets and direct agents' configs, then every run of a workflow that there is now; tells how far it is until the last one is
 * over. Needs workers at work.
 * @throws ConfigError, DatabaseError, TemporalConnectError; SecretUnreadableError when one of those needs a key that
 * is not here; SetupError NOT_RENEWED when `signal` aborts before all runs have ended.
 */
export async function renewPayloads(
  config: Config,
  log: Log,
  signal: AbortSignal,
  onProgress: (progress: RenewalProgress) => void,
): Promise<RenewalProgress> {
  const databaseUrl = need(config.databaseUrl, "DATABASE_URL", "the postgres:// URL of Muster");
  const pool = openPool(databaseUrl, { applicationName: "muster payload-key" });
  const temporal = await connectClient(config, log, signal);
  try {
    const webhooks = await renewWebhooks(pool, config.payloadKeys);
    const directAgents = await renewDirectAgents(pool, config.payloadKeys);
    const runs = await listRuns(temporal, waitedForTypes);
    const sealed = await askToRenew(temporal, await listRuns(temporal, askedTypes), config);
    for (;;) {
      const now = await listRuns(temporal, waitedForTypes);
      const left = [...runs].filter(([workflowId, runId]) => now.get(workflowId) === runId).length;
      const progress = { webhooks, directAgents, runs: runs.size, left, sealed };
      onProgress(progress);
      if (left === 0) return progress;
      if (signal.aborted) throw notRenewed(left);
      await sleep(lookMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await temporal.connection.close();
    await pool.end();
  }
}

/** Gives how many were kept in another form. */
async function renewWebhooks(db: Db, payloadKeys: Keyring): Promise<number> {
  let renewed = 0;
  for (const { id, secret: from } of await listWebhookSecrets(db)) {
    const to = renewedText(payloadKeys, webhookPlace(id), from);
    if (to !== undefined && (await replaceWebhookSecret(db, id, { from, to }))) renewed++;
  }
  return renewed;
}

/** Gives how many were kept in another form. */
async function renewDirectAgents(db: Db, payloadKeys: Keyring): Promise<number> {
  let renewed = 0;
  for (const { id, config: from } of await listDirectConfigs(db)) {
    const to = renewedText(payloadKeys, directConfigPlace(id), from);
    if (to !== undefined && (await replaceDirectConfig(db, id, { from, to }))) renewed++;
  }
  return renewed;
}

/** What is kept, as it would be kept now; undefined when it is so already. */
function renewedText(payloadKeys: Keyring, place: string, kept: string): string | undefined {
  const { text, outdated } = openText(payloadKeys, place, kept);
  return outdated ? sealText(payloadKeys, place, text) : undefined;
}

/** Run ids of what runs, by workflow id. */
async function listRuns(
  { client }: ConnectedClient,
  types: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const names = types.map((type) => `'${type}'`).join(", ");
  const query = `ExecutionStatus = 'Running' AND WorkflowType IN (${names})`;
  const runs = new Map<string, string>();
  for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: 1_000 })) {
    runs.set(workflowId, runId);
  }
  return runs;
}

/** Looks for what is sealed with older keys on the way: a lifecycle is in its worker's memory then. */
async function askToRenew(
  { client }: ConnectedClient,
  runs: ReadonlyMap<string, string>,
  { payloadKeys }: Pick<Config, "payloadKeys">,
): Promise<SealedRequests> {
  const waiting = [...runs];
  const sealed: { keyIds: readonly string[]; waitLeftMs: number }[] = [];
  const askOneByOne = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [workflowId, runId] = next;
      const handle = client.workflow.getHandle(workflowId, runId);
      try {
        const pending = workflowId.startsWith(agentWorkflowId(""))
          ? await handle.query(pendingQuery)
          : [];
        for (const { sealedWith = [], waitLeftMs = 0 } of pending) {
          const keyIds = sealedWith.filter((id) => id !== payloadKeys.encryptingId);
          if (keyIds.length > 0) sealed.push({ keyIds, waitLeftMs });
        }
        await handle.signal(renewSignal);
      } catch (error) {
        // It has ended, or went on in a new run, meanwhile.
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: askedAtOnce }, askOneByOne));
  return {
    requests: sealed.length,
    keyIds: [...new Set(sealed.flatMap(({ keyIds }) => keyIds))],
    overInMs: Math.max(0, ...sealed.map(({ waitLeftMs }) => waitLeftMs)),
  };
}

function notRenewed(left: number): SetupError {
  return new SetupError(
    "NOT_RENEWED",
    `${left} runs of workflows are as they were: keep the older keys, see that workers are at work, and renew again.`,
  );
}
