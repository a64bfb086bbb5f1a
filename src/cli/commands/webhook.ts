import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { pathPart } from "../api/client.ts";
import { openApi } from "../api/open-api.ts";
import type { NewWebhookJson, WebhookJson, WebhooksJson, WebhookTestJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { FailedAnswerError, UsageError } from "../errors.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { facts } from "../text/facts.ts";
import { table } from "../text/table.ts";
import { roughly, took } from "../text/times.ts";
import { hanging } from "../text/wrap.ts";

interface AddOptions extends JsonOption {
  readonly types?: string;
  readonly fromStart?: boolean;
  readonly secret?: string;
}

export function addWebhookCommand(program: Command, context: CliContext): void {
  const webhook = program
    .command("webhook")
    .description(
      "have events delivered by signed HTTP requests: webhook add|list|remove|test|resume",
    );
  addAdd(webhook, context);
  webhook
    .command("list")
    .description("list webhooks and how they fare")
    .option(...jsonOption)
    .action(async ({ json }: JsonOption) => {
      const result = await openApi(context).call<WebhooksJson>("GET", "webhooks");
      printResult(context, json, result, () => webhooksText(result.webhooks, context));
    });
  webhook
    .command("remove <id>")
    .description("remove a webhook: nothing is delivered any more")
    .option(...jsonOption)
    .action(async (id: string, { json }: JsonOption) => {
      const path = `webhooks/${pathPart(id)}`;
      const result = await openApi(context).call<{ removed: boolean }>("DELETE", path);
      printResult(context, json, result, () => `${id} is removed\n`);
    });
  webhook
    .command("resume <id>")
    .description("deliver a paused webhook again, from where it stopped")
    .option(...jsonOption)
    .action(async (id: string, { json }: JsonOption) => {
      const path = `webhooks/${pathPart(id)}/resume`;
      const result = await openApi(context).call<WebhookJson>("POST", path);
      printResult(context, json, result, () => `${id} is delivered again\n`);
    });
  addTest(webhook, context);
}

function addAdd(webhook: Command, context: CliContext): void {
  webhook
    .command("add <url>")
    .description("add a webhook; prints the secret that verifies its signatures, this once")
    .option("--types <a,b>", "only events of these types, such as status,verdict")
    .option("--from-start", "begin with the first event ever instead of news")
    .option("--secret <secret>", "whsec_… of your own, or @file with it (default: made up)")
    .option(...jsonOption)
    .action(async (url: string, { types, fromStart, secret, json }: AddOptions) => {
      const body = {
        url,
        ...(types !== undefined && { types: types.split(",").map((type) => type.trim()) }),
        ...(fromStart === true && { fromStart }),
        ...(secret !== undefined && { secret: readSecret(secret) }),
      };
      const added = await openApi(context).call<NewWebhookJson>("POST", "webhooks", { body });
      printResult(context, json, added, () => addedText(added, context.width));
    });
}

function addTest(webhook: Command, context: CliContext): void {
  webhook
    .command("test <id>")
    .description("send one test message now, and tell how it was taken")
    .option(...jsonOption)
    .action(async (id: string, { json }: JsonOption) => {
      const path = `webhooks/${pathPart(id)}/test`;
      const result = await openApi(context).call<WebhookTestJson>("POST", path);
      printResult(context, json, result, () =>
        hanging("", `${result.details} (${took(result.tookMs)})`, context.width),
      );
      if (!result.accepted) throw new FailedAnswerError(`${id} did not accept the test message.`);
    });
}

/** A secret on the command line is seen by everybody on the machine; in a file it is not. */
function readSecret(given: string): string {
  if (!given.startsWith("@")) return given;
  try {
    return readFileSync(given.slice(1), "utf8").trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the secret can't be read from ${given.slice(1)}: ${why}`, {
      cause: error,
    });
  }
}

function addedText({ id, url, types, secret, cursorId }: NewWebhookJson, width: number): string {
  return facts(
    [
      ["webhook", id],
      ["url", url],
      ["types", types?.join(", ") ?? "all"],
      ["begins after event", String(cursorId)],
      ["secret", `${secret} (keep it: it is not shown again)`],
    ],
    width,
  );
}

/** One line for each, and below it what is wrong with those that are not delivered. */
function webhooksText(
  webhooks: readonly WebhookJson[],
  { now, width }: Pick<CliContext, "now" | "width">,
): string {
  if (webhooks.length === 0) return "no webhooks\n";
  const ago = (iso: string | null): string =>
    iso === null ? "never" : `${roughly(now() - Date.parse(iso))} ago`;
  const rows = table<WebhookJson>(
    [
      { title: "WEBHOOK", text: ({ id }) => id },
      { title: "STATE", text: ({ state }) => state },
      { title: "DELIVERED", text: ({ deliveredAt }) => ago(deliveredAt), align: "right" },
      { title: "FAILED", text: ({ failures }) => String(failures), align: "right" },
      { title: "EVENT", text: ({ cursorId }) => String(cursorId), align: "right" },
      { title: "TYPES", text: ({ types }) => types?.join(",") ?? "all", cuttable: true },
      { title: "URL", text: ({ url }) => url, cuttable: true },
    ],
    webhooks,
    width,
  );
  const troubles = webhooks.filter(({ state }) => state !== "delivering");
  return rows + troubles.map((one) => hanging(`${one.id}  `, troubleOf(one), width)).join("");
}

function troubleOf({ id, state, lastError }: WebhookJson): string {
  const why = lastError ?? "no reason is known";
  return state === "paused"
    ? `paused: ${why}. Correct it, try \`muster webhook test ${id}\`, then \`muster webhook resume ${id}\`.`
    : `${why}. It is tried again.`;
}
