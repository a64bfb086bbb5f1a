/** Webhooks: who is told of events by HTTP, and how far each one is. */
import type { Db } from "./pool.ts";
import { storableText } from "./storable.ts";

/** A webhook as operators see it: without its secret. */
export interface WebhookRow {
  readonly id: string;
  readonly url: string;
  /** Event types that are wanted; null means all. */
  readonly types: readonly string[] | null;
  /** Id of the last event that was delivered or passed over. */
  readonly cursorId: number;
  readonly createdAt: Date;
  readonly deliveredAt: Date | null;
  /** Tries in a row that failed, up to now. */
  readonly failures: number;
  readonly lastError: string | null;
  /** Since when nothing is delivered, until an operator resumes it; null while it is delivered. */
  readonly pausedAt: Date | null;
}

/** A webhook as its deliveries need it. The secret must not get into logs, lists or histories. */
export interface WebhookWithSecret extends WebhookRow {
  /** As it is kept: sealed where there is a payload key (`src/secrets/sealed-text.ts`). */
  readonly secret: string;
}

const columns = `id, url, types, cursor_id AS "cursorId", created_at AS "createdAt", delivered_at AS "deliveredAt",
  failures, last_error AS "lastError", paused_at AS "pausedAt"`;

export async function addWebhook(
  db: Db,
  webhook: Pick<WebhookWithSecret, "id" | "url" | "secret" | "types" | "cursorId">,
): Promise<WebhookRow> {
  const { id, url, secret, types, cursorId } = webhook;
  const { rows } = await db.query<WebhookRow>(
    `INSERT INTO webhooks (id, url, secret, types, cursor_id) VALUES ($1, $2, $3, $4, $5) RETURNING ${columns}`,
    [id, url, secret, types, cursorId],
  );
  const row = rows[0];
  if (row === undefined) throw new Error("INSERT … RETURNING gave no row.");
  return row;
}

export async function listWebhooks(db: Db): Promise<WebhookRow[]> {
  const { rows } = await db.query<WebhookRow>(
    `SELECT ${columns} FROM webhooks ORDER BY created_at, id`,
  );
  return rows;
}

export async function findWebhook(db: Db, id: string): Promise<WebhookRow | undefined> {
  const { rows } = await db.query<WebhookRow>(`SELECT ${columns} FROM webhooks WHERE id = $1`, [
    id,
  ]);
  return rows[0];
}

export async function findWebhookWithSecret(
  db: Db,
  id: string,
): Promise<WebhookWithSecret | undefined> {
  const { rows } = await db.query<WebhookWithSecret>(
    `SELECT ${columns}, secret FROM webhooks WHERE id = $1`,
    [id],
  );
  return rows[0];
}

/** The secrets of all webhooks, as they are kept. */
export async function listWebhookSecrets(
  db: Db,
): Promise<Pick<WebhookWithSecret, "id" | "secret">[]> {
  const { rows } = await db.query<Pick<WebhookWithSecret, "id" | "secret">>(
    `SELECT id, secret FROM webhooks ORDER BY id`,
  );
  return rows;
}

/** Keeps a webhook's secret in another form. False when it is not kept as the caller believes: somebody was quicker. */
export async function replaceWebhookSecret(
  db: Db,
  id: string,
  { from, to }: { from: string; to: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE webhooks SET secret = $3 WHERE id = $1 AND secret = $2`,
    [id, from, to],
  );
  return rowCount === 1;
}

/** True when there was one. */
export async function removeWebhook(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query(`DELETE FROM webhooks WHERE id = $1`, [id]);
  return rowCount === 1;
}

/**
 * Moves a webhook's cursor on, after a delivery or past events that nobody wants. False when it does not stand where the
 * caller believes: somebody else delivers, or the webhook is gone.
 */
export async function moveWebhookCursor(
  db: Db,
  id: string,
  move: { from: number; to: number; delivered: boolean },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE webhooks SET cursor_id = $3,
            delivered_at = CASE WHEN $4 THEN now() ELSE delivered_at END,
            failures = CASE WHEN $4 THEN 0 ELSE failures END,
            last_error = CASE WHEN $4 THEN NULL ELSE last_error END
      WHERE id = $1 AND cursor_id = $2`,
    [id, move.from, move.to, move.delivered],
  );
  return rowCount === 1;
}

/** Notes a try that failed, and that it was the last one until an operator resumes the webhook. */
export async function noteWebhookFailure(
  db: Db,
  id: string,
  failure: { error: string; pauses: boolean },
): Promise<void> {
  await db.query(
    `UPDATE webhooks SET failures = failures + 1, last_error = $2,
            paused_at = CASE WHEN $3 THEN coalesce(paused_at, now()) ELSE paused_at END
      WHERE id = $1`,
    [id, storableText(failure.error), failure.pauses],
  );
}

/** Lets a webhook be delivered again; undefined when there is none. */
export async function resumeWebhook(db: Db, id: string): Promise<WebhookRow | undefined> {
  const { rows } = await db.query<WebhookRow>(
    `UPDATE webhooks SET paused_at = NULL, failures = 0 WHERE id = $1 RETURNING ${columns}`,
    [id],
  );
  return rows[0];
}
