import {
  findWebhookWithSecret,
  replaceWebhookSecret,
  type WebhookWithSecret,
} from "../../db/index.ts";
import { openText, sealText, webhookPlace } from "../../secrets/sealed-text.ts";
import type { ActivityDeps } from "../deps.ts";

export type WebhookDeps = Pick<ActivityDeps, "db" | "log" | "payloadKeys">;

/**
 * A webhook with its secret to sign with; undefined when there is none. A secret that is kept in clear or sealed with an
 * older key is sealed anew.
 * @throws Error that names the key when the secret can't be opened here.
 */
export async function readWebhook(
  { db, log, payloadKeys }: WebhookDeps,
  id: string,
): Promise<WebhookWithSecret | undefined> {
  const row = await findWebhookWithSecret(db, id);
  if (row === undefined) return undefined;
  const { text: secret, outdated } = open(row, payloadKeys);
  if (outdated) {
    const to = sealText(payloadKeys, webhookPlace(id), secret);
    if (await replaceWebhookSecret(db, id, { from: row.secret, to })) {
      log.info({ webhookId: id, keyId: payloadKeys.encryptingId }, "a webhook's secret was sealed");
    }
  }
  return { ...row, secret };
}

function open({ id, secret }: WebhookWithSecret, payloadKeys: WebhookDeps["payloadKeys"]) {
  try {
    return openText(payloadKeys, webhookPlace(id), secret);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`The secret of webhook ${id} can't be read. ${why}`, { cause: error });
  }
}
