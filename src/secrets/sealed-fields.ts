/**
 * Secret fields of Commands, encrypted from the gateway that takes a Command to the gateway that writes it to the agent's
 * socket. A sealed value is good for its place alone: another agent, Command id, type or field does not open it.
 */
import type { WireCommand } from "../api/index.ts";
import {
  isSealed,
  replaceSealed,
  replaceSecretFields,
  type SealedValue,
} from "../lifecycle/secret-fields.ts";
import { NoKeyError } from "./errors.ts";
import type { Keyring } from "./keyring.ts";

/**
 * The Command with these fields sealed (those that are sealed already stay).
 * @throws NoKeyError when there is something to seal and no key for it.
 */
export function sealCommand(
  keyring: Keyring,
  agentId: string,
  command: WireCommand,
  fields: readonly string[],
): WireCommand {
  return replaceSecretFields(command, fields, (value, path): unknown => {
    if (isSealed(value)) return value;
    const plain = Buffer.from(JSON.stringify(value));
    const sealed = keyring.encrypt(plain, contextOf(agentId, command, path));
    if (sealed === undefined) {
      throw new NoKeyError(`Field ${path} of ${command.type} holds a secret,`);
    }
    return { $sealed: `${sealed.keyId}:${sealed.data.toString("base64")}` } satisfies SealedValue;
  });
}

/**
 * The Command as its resource is to get it.
 * @throws SecretUnreadableError when a key is not here, or a sealed value was altered or stands in another place than its own.
 */
export function openCommand(keyring: Keyring, agentId: string, command: WireCommand): WireCommand {
  return replaceSealed(command, ({ $sealed }, path): unknown => {
    const colon = $sealed.indexOf(":");
    const data = Buffer.from($sealed.slice(colon + 1), "base64");
    const context = contextOf(agentId, command, path);
    const plain = keyring.decrypt($sealed.slice(0, Math.max(0, colon)), data, context);
    return JSON.parse(plain.toString("utf8")) as unknown;
  });
}

function contextOf(agentId: string, { type, id }: WireCommand, path: string): string {
  return JSON.stringify(["muster/command", agentId, type, id, path]);
}
