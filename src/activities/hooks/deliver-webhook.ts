/** Delivers events to one webhook, in the order of the stream, until somebody has to decide. */
import { setTimeout as sleep } from "node:timers/promises";
import { Context } from "@temporalio/activity";
import {
  listEvents,
  moveWebhookCursor,
  noteWebhookFailure,
  type EventRow,
  type WebhookWithSecret,
} from "../../db/index.ts";
import {
  decideDelivery,
  deliveryPolicy,
  isRefusal,
  type DeliveryPolicy,
} from "../../lifecycle/webhook-policy.ts";
import type { DeliveryRound, WebhookActivities } from "../../workflows/activity-types.ts";
import { postWebhook } from "./post-webhook.ts";
import { readWebhook, type WebhookDeps } from "./read-webhook.ts";
import { takeBatch, type Batch } from "./webhook-batch.ts";

/** Events of one look at the stream, wanted or not. */
const pageSize = 500;
/** Well within the heartbeat time-out; the SDK sends no more of them than that needs. */
const heartbeatMs = 2_000;

export interface DeliveryPace {
  /** Between two looks at the stream when it has nothing new. */
  readonly pollMs: number;
  /** After so long the workflow is asked for another round. */
  readonly roundMs: number;
  readonly policy: DeliveryPolicy;
}
const defaultPace: DeliveryPace = { pollMs: 500, roundMs: 3_600_000, policy: deliveryPolicy };

/**
 * At least once: the cursor moves after the endpoint has accepted. Should two deliver at the same time (the first was cut
 * off from Temporal), the cursor tells one of them, which goes on from where the other is.
 */
export function createDeliverWebhook(
  deps: WebhookDeps,
  pace: DeliveryPace = defaultPace,
): WebhookActivities["deliverWebhook"] {
  return async ({ webhookId }) => {
    const context = Context.current();
    const delivery = new Delivery(webhookId, deps, pace, context.cancellationSignal);
    const beat = setInterval(() => {
      context.heartbeat({ delivered: delivery.delivered });
    }, heartbeatMs);
    try {
      return await delivery.run();
    } finally {
      clearInterval(beat);
    }
  };
}

/** One round of deliveries. */
class Delivery {
  /** Events that the endpoint accepted. */
  delivered = 0;
  readonly #id: string;
  readonly #deps: WebhookDeps;
  readonly #pace: DeliveryPace;
  readonly #stop: AbortSignal;
  readonly #endMs: number;
  /** How many of the last tries in a row were refused. */
  #refusals = 0;

  /** `stop`: the worker stops, or the webhook is removed; a POST under way is still brought to its end. */
  constructor(webhookId: string, deps: WebhookDeps, pace: DeliveryPace, stop: AbortSignal) {
    this.#id = webhookId;
    this.#deps = deps;
    this.#pace = pace;
    this.#stop = stop;
    this.#endMs = performance.now() + pace.roundMs;
  }

  /** The row is read again before each step: others remove, pause and resume it. */
  async run(): Promise<DeliveryRound> {
    const { db } = this.#deps;
    while (!this.#isOver()) {
      const webhook = await readWebhook(this.#deps, this.#id);
      if (webhook === undefined) return { state: "removed" };
      if (webhook.pausedAt !== null) {
        return { state: "paused", reason: webhook.lastError ?? "no reason is known" };
      }
      const page = await listEvents(db, { afterId: webhook.cursorId, limit: pageSize });
      if (page.length > 0) await this.#deliverPage(webhook, page);
      else await this.#rest(this.#pace.pollMs);
    }
    return { state: "goOn", delivered: this.delivered };
  }

  /** Delivers what is wanted of a page and passes over the rest; ends early when something comes between. */
  async #deliverPage(webhook: WebhookWithSecret, page: readonly EventRow[]): Promise<void> {
    const { types } = webhook;
    const pageEndId = page.at(-1)?.id ?? webhook.cursorId;
    let wanted = types === null ? page : page.filter(({ type }) => types.includes(type));
    let at: WebhookWithSecret | undefined = webhook;
    if (wanted.length === 0) await this.#move(at, pageEndId, 0);
    while (wanted.length > 0 && at !== undefined) {
      const batch = takeBatch(this.#id, wanted);
      if (batch === undefined || !(await this.#deliver(at, batch))) return;
      wanted = wanted.slice(batch.count);
      at = await this.#move(at, wanted.length === 0 ? pageEndId : batch.lastId, batch.count);
    }
  }

  /** Moves the cursor on; undefined when it no longer was where we thought. */
  async #move(
    webhook: WebhookWithSecret,
    toId: number,
    deliveredCount: number,
  ): Promise<WebhookWithSecret | undefined> {
    const move = { from: webhook.cursorId, to: toId, delivered: deliveredCount > 0 };
    if (!(await moveWebhookCursor(this.#deps.db, this.#id, move))) return undefined;
    this.delivered += deliveredCount;
    return { ...webhook, cursorId: toId, ...(move.delivered && { failures: 0 }) };
  }

  /** Tries a batch, always the same, until the endpoint accepts it: true. False: look at the row before going on. */
  async #deliver(webhook: WebhookWithSecret, batch: Batch): Promise<boolean> {
    let at: WebhookWithSecret | undefined = webhook;
    while (at?.cursorId === webhook.cursorId && at.pausedAt === null && !this.#isOver()) {
      if (await this.#try(at, batch)) return true;
      at = await readWebhook(this.#deps, this.#id);
    }
    return false;
  }

  /** One try, and the rest after it when it fails. */
  async #try(webhook: WebhookWithSecret, { messageId, body }: Batch): Promise<boolean> {
    const { db, log } = this.#deps;
    const { url, secret, failures } = webhook;
    const about = { webhookId: this.#id, failures: failures + 1 };
    const reply = await postWebhook({ url, secret, messageId, body });
    const tries = { failures, refusals: this.#refusals, random: Math.random() };
    const decision = decideDelivery(reply, tries, this.#pace.policy);
    this.#refusals = isRefusal(reply) ? this.#refusals + 1 : 0;
    switch (decision.type) {
      case "delivered":
        if (failures > 0) log.info({ webhookId: this.#id, failures }, "a webhook works again");
        return true;
      case "pause":
        log.warn({ ...about, error: decision.error }, "a webhook is paused");
        await noteWebhookFailure(db, this.#id, { error: decision.error, pauses: true });
        return false;
      case "retry": {
        // The row says the rest; a dead endpoint must not fill the log.
        const { error, afterMs } = decision;
        if (failures === 0) log.warn({ ...about, error, afterMs }, "a webhook's endpoint fails");
        await noteWebhookFailure(db, this.#id, { error, pauses: false });
        await this.#rest(afterMs);
        return false;
      }
    }
  }

  #isOver(): boolean {
    return this.#stop.aborted || performance.now() >= this.#endMs;
  }

  async #rest(ms: number): Promise<void> {
    const leftMs = Math.max(0, Math.min(ms, this.#endMs - performance.now()));
    await sleep(leftMs, undefined, { signal: this.#stop }).catch(() => undefined);
  }
}
