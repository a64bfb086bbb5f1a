/** Secret fields that a caller names: sealed before an event of its workflow holds them. */
import type { Command, WireCommand } from "../api/index.ts";
import { fieldsInClear, maskSecrets } from "../lifecycle/secret-fields.ts";
import { sealing } from "./activity-options.ts";
import type { AdmitArgs, SecretFields } from "./activity-types.ts";
import { refusalOf } from "./failures.ts";

/** What the name of a Request may tell of a Command. */
export function masked(command: Command, secretFields: SecretFields): Command {
  return maskSecrets(command as Command & WireCommand, fieldsOf(command, secretFields));
}

/**
 * The Request with its secret fields sealed; itself when it has none.
 * @throws CommandFailure PAYLOAD_KEY_NEEDED when the worker has no key to seal with.
 */
export async function sealed(args: AdmitArgs, secretFields: SecretFields): Promise<AdmitArgs> {
  const { agentId, commands } = args;
  const isClear = (command: WireCommand): boolean =>
    fieldsInClear(command, fieldsOf(command, secretFields)).length > 0;
  if (!commands.some(isClear)) return args;
  try {
    return {
      ...args,
      commands: await sealing().musterSeal({ agentId, commands, secretFields }),
    };
  } catch (error) {
    throw refusalOf(error, args);
  }
}

function fieldsOf({ type }: { readonly type: string }, fields: SecretFields): readonly string[] {
  return (Object.hasOwn(fields, type) ? fields[type] : undefined) ?? [];
}
