import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { KeyringError } from "../../secrets/errors.ts";
import { newKeyEntry } from "../../secrets/keyring.ts";
import type { CliContext } from "../context.ts";
import { processLog } from "../process-log.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";

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
  const { webhooks, runs } = await renewPayloads(config, log, stop, ({ runs: all, left }) => {
    if (json === true || left === said) return;
    said = left;
    context.complain(`${all - left} of ${all} runs of workflows renewed\n`);
  });
  const { ids, encryptingId } = config.payloadKeys;
  const older = ids.filter((id) => id !== encryptingId);
  const result = {
    done: true,
    encryptsWith: encryptingId ?? null,
    olderKeys: older,
    webhooks,
    runs,
  };
  context.print(json === true ? `${JSON.stringify(result)}\n` : sentence(result));
}

function sentence(result: {
  readonly encryptsWith: string | null;
  readonly olderKeys: readonly string[];
  readonly webhooks: number;
  readonly runs: number;
}): string {
  const { encryptsWith, olderKeys, webhooks, runs } = result;
  const how = encryptsWith === null ? "is not encrypted" : `is encrypted with ${encryptsWith}`;
  const done = `Renewed ${runs} runs of workflows and ${webhooks} webhooks: what runs ${how}.\n`;
  if (olderKeys.length === 0) return done;
  return `${done}${olderKeys.join(", ")} can go once no Request with secrets waits from before (docs/OPERATIONS.md).\n`;
}
