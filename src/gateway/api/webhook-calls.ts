/** What the operator API does about webhooks: their rows in PostgreSQL, their deliveries in Temporal. */
import { randomBytes, randomUUID } from "node:crypto";
import { ServiceError, WorkflowFailedError, WorkflowNotFoundError } from "@temporalio/client";
import type { Client } from "@temporalio/client";
import {
  addWebhook,
  findWebhook,
  listWebhooks,
  newestEventId,
  removeWebhook,
  resumeWebhook,
  type Db,
  type WebhookRow,
} from "../../db/index.ts";
import type { Keyring } from "../../secrets/keyring.ts";
import { sealText, webhookPlace } from "../../secrets/sealed-text.ts";
import type { WebhookTestResult } from "../../workflows/activity-types.ts";
import { webhookStartOptions, webhookTestOptions } from "../../workflows/start-options.ts";
import {
  resumedSignal,
  webhookDeliveryType,
  webhooksMax,
  webhookTestType,
  webhookWorkflowId,
  type WebhookInput,
} from "../../workflows/webhook-messages.ts";
import { CallsInFlight } from "./calls-in-flight.ts";
import { ApiError } from "./errors.ts";

const callMs = 10_000;
/** Longer than the test's own limit. */
const testMs = 25_000;
const secretBytes = 32;

export interface NewWebhook {
  readonly url: string;
  readonly types: readonly string[] | null;
  /** Events from the first one ever, instead of news only. */
  readonly fromStart: boolean;
  /** Made up when absent. */
  readonly secret: string | undefined;
}

export class WebhookCalls {
  readonly #client: Client;
  readonly #db: Db;
  readonly #payloadKeys: Keyring;
  readonly #calls: CallsInFlight;

  constructor(client: Client, db: Db, payloadKeys: Keyring) {
    this.#client = client;
    this.#db = db;
    this.#payloadKeys = payloadKeys;
    this.#calls = new CallsInFlight(client);
  }

  async list(): Promise<readonly WebhookRow[]> {
    return await listWebhooks(this.#db);
  }

  /** The only time that the secret is given out. @throws ApiError, as all of these. */
  async add(wanted: NewWebhook): Promise<WebhookRow & { readonly secret: string }> {
    if ((await listWebhooks(this.#db)).length >= webhooksMax) {
      const message = `There are ${webhooksMax} webhooks already: remove one, or spread its events yourself.`;
      throw new ApiError("TOO_MANY_WEBHOOKS", message);
    }
    const id = `wh-${randomBytes(6).toString("hex")}`;
    const secret = wanted.secret ?? `whsec_${randomBytes(secretBytes).toString("base64")}`;
    const cursorId = wanted.fromStart ? 0 : await newestEventId(this.#db);
    const { url, types } = wanted;
    const kept = sealText(this.#payloadKeys, webhookPlace(id), secret);
    const row = await addWebhook(this.#db, { id, url, secret: kept, types, cursorId });
    try {
      await this.#ask(() => this.#client.workflow.start(webhookDeliveryType, startOptions(row)));
    } catch (error) {
      // A row that nobody delivers would only mislead.
      await removeWebhook(this.#db, id);
      throw error;
    }
    return { ...row, secret };
  }

  /** Deliveries first: what is still listed can be removed again. */
  async remove(id: string): Promise<void> {
    await this.#known(id);
    await this.#ask(async () => {
      try {
        await this.#client.workflow.getHandle(webhookWorkflowId(id)).cancel();
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    });
    await removeWebhook(this.#db, id);
  }

  /** Starts the deliveries too when they are gone, as after a workflow that was ended by hand. */
  async resume(id: string): Promise<WebhookRow> {
    const row = await resumeWebhook(this.#db, id);
    if (row === undefined) throw unknown(id);
    await this.#ask(() =>
      this.#client.workflow.signalWithStart(webhookDeliveryType, {
        ...startOptions(row),
        signal: resumedSignal,
      }),
    );
    return row;
  }

  /** Has a worker send a test message, from where the deliveries are sent. */
  async test(id: string): Promise<WebhookTestResult> {
    await this.#known(id);
    return await this.#ask(
      () =>
        this.#client.workflow.execute<(input: WebhookInput) => Promise<WebhookTestResult>>(
          webhookTestType,
          webhookTestOptions(id, randomUUID()),
        ),
      testMs,
    );
  }

  async settle(): Promise<void> {
    await this.#calls.settle();
  }

  async #known(id: string): Promise<void> {
    if ((await findWebhook(this.#db, id)) === undefined) throw unknown(id);
  }

  async #ask<T>(call: () => Promise<T>, withinMs = callMs): Promise<T> {
    try {
      return await this.#calls.run(withinMs, call);
    } catch (error) {
      if (!(error instanceof ServiceError) && !(error instanceof WorkflowFailedError)) throw error;
      const message = "Temporal or the workers that deliver webhooks are away or busy: try again.";
      throw new ApiError("MANAGER_UNAVAILABLE", message, { cause: error });
    }
  }
}

function startOptions({ id, url }: WebhookRow) {
  return webhookStartOptions(id, new URL(url).host);
}

function unknown(id: string): ApiError {
  return new ApiError(
    "WEBHOOK_UNKNOWN",
    `There is no webhook ${id}: look at \`muster webhook list\`.`,
  );
}
