import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { KeyringError } from "../../secrets/errors.ts";
import { newKeyEntry } from "../../secrets/keyring.ts";
import type { CliContext } from "../context.ts";
import { processLog } from "../process-log.ts";
import type { RenewalProgress } from "../../worker/setup/renew-payloads.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { roughly } from "../text/times.ts";

export function addPayloadKeyCommands(program: Command, context: CliContext): void {
  const payloadKey = program
    .command("payload-key")
    .description("keys that encrypt what Temporal stores (MUSTER_PAYLOAD_KEY)");
  payloadKey
    .command("new")
    .description("make a key: an entry of MUSTER_PAYLOAD_KEY, kept nowhere else")
    .argument("<id>", "its name, such as k2; none that was used before", keyEntry)
    .option(...jsonOption)
    .action((entry: string, { json }: JsonOption) => {
      context.print(`${json === true ? JSON.stringify({ entry }) : entry}\n`);
    });
  payloadKey
    .command("renew")
    .description("write what runs and what is kept anew with the first key; needs workers at work")
    .option(...jsonOption)
    .action(async ({ json }: JsonOption) => {
      await renew(context, json);
    });
}

function keyEntry(id: string): string {
  try {
    return newKeyEntry(id);
  } catch (error) {
    if (error instanceof KeyringError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

async function renew(context: CliContext, json: boolean | undefined): Promise<void> {
  const config = context.config();
  const log = await processLog(context, "payload-key");
  const stop = context.stopSignal();
  const { renewPayloads } = await import("../../worker/setup/renew-payloads.ts");
  let said: number | undefined;
  const { webhooks, directAgents, runs, sealed } = await renewPayloads(
    config,
    log,
    stop,
    ({ runs: all, left }) => {
      if (json === true || left === said) return;
      said = left;
      context.complain(`${all - left} of ${all} runs of workflows renewed\n`);
    },
  );
  const { encryptingId } = config.payloadKeys;
  const encryptsWith = encryptingId ?? null;
  const result = { done: true, encryptsWith, webhooks, directAgents, runs, sealed };
  context.print(json === true ? `${JSON.stringify(result)}\n` : sentence(result));
}

function sentence(result: {
  readonly encryptsWith: string | null;
  readonly webhooks: number;
  readonly directAgents: number;
  readonly runs: number;
  readonly sealed: RenewalProgress["sealed"];
}): string {
  const { encryptsWith, webhooks, directAgents, runs, sealed } = result;
  const how = encryptsWith === null ? "not encrypted" : `encrypted with ${encryptsWith}`;
  const done = `Renewed ${runs} runs of workflows, ${webhooks} webhooks and ${directAgents} direct agents: what runs is ${how}.`;
  if (sealed.requests === 0) return `${done} Older keys can go.\n`;
  const { requests, keyIds, overInMs } = sealed;
  const need = `${requests} Requests with secrets need ${keyIds.join(", ")} until they are over`;
  return `${done}\n${need}, in ${roughly(overInMs)} at the latest.\n`;
}
