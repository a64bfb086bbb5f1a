/** Webhooks: events delivered by signed HTTP requests (docs/HOOKS.md). */
import type { WebhookRow } from "../../db/index.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import { responses } from "./schemas.ts";
import type { Api } from "./validation.ts";
import {
  newWebhook,
  webhook,
  webhookParams,
  webhookRemoved,
  webhooksResult,
  webhookTested,
  webhookWithSecret,
} from "./webhook-schemas.ts";

const tags = ["webhooks"];

export function webhooksRoutes(api: Api, { webhooks }: ApiParts): void {
  api.get(
    "/webhooks",
    {
      schema: {
        tags,
        summary: "All webhooks and how they fare",
        response: responses(webhooksResult),
      },
    },
    async () => ({ webhooks: (await webhooks.list()).map(withState) }),
  );

  api.post(
    "/webhooks",
    {
      schema: {
        tags,
        summary: "Add a webhook; the only answer with its secret",
        body: newWebhook,
        response: responses(webhookWithSecret),
      },
    },
    async ({ body: { url, types = null, fromStart = false, secret } }) => {
      checkUrl(url);
      const added = await webhooks.add({ url, types, fromStart, secret });
      return { ...withState(added), secret: added.secret };
    },
  );

  api.delete(
    "/webhooks/:id",
    {
      schema: {
        tags,
        summary: "Remove a webhook: nothing is delivered any more",
        params: webhookParams,
        response: responses(webhookRemoved),
      },
    },
    async ({ params: { id } }) => {
      await webhooks.remove(id);
      return { id, removed: true };
    },
  );

  api.post(
    "/webhooks/:id/resume",
    {
      schema: {
        tags,
        summary: "Deliver a paused webhook again, from where it stopped",
        params: webhookParams,
        response: responses(webhook),
      },
    },
    async ({ params: { id } }) => withState(await webhooks.resume(id)),
  );

  api.post(
    "/webhooks/:id/test",
    {
      schema: {
        tags,
        summary: "Send one test message now",
        params: webhookParams,
        response: responses(webhookTested),
      },
    },
    async ({ params: { id } }) => await webhooks.test(id),
  );
}

/** @throws ApiError for a URL that nothing can be delivered to. */
function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new ApiError("INVALID_REQUEST", "The url must begin with https:// or http://.");
  }
  if (url.username !== "" || url.password !== "") {
    const message = "The url must hold no user name or password: endpoints check the signature.";
    throw new ApiError("INVALID_REQUEST", message);
  }
}

/** The row without what it may hold beside, with its state in a word. */
function withState(row: WebhookRow) {
  const { id, url, types, cursorId, createdAt, deliveredAt, failures, lastError, pausedAt } = row;
  const state = pausedAt !== null ? "paused" : failures > 0 ? "failing" : "delivering";
  return { id, url, types, state, cursorId, createdAt, deliveredAt, failures, lastError, pausedAt };
}
