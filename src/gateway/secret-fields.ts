/** Secret fields of Commands at this gateway: sealed before Temporal sees them, opened for the agent's socket. */
import { secretFieldsOf, type CommandTraits, type WireCommand } from "../api/index.ts";
import { maskSecrets, replaceSealed } from "../lifecycle/secret-fields.ts";
import { NoKeyError } from "../secrets/errors.ts";
import type { Keyring } from "../secrets/keyring.ts";
import { openCommand, sealCommand } from "../secrets/sealed-fields.ts";
import { RequestRefusedError } from "./errors.ts";

/** Of each Command type that an agent declared, what of it is secret. */
export type DeclaredTypes = Readonly<Record<string, Pick<CommandTraits, "secretFields">>>;

export class SecretFields {
  readonly #keyring: Keyring;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /**
   * The Commands with their secret fields sealed; the very Commands when there is nothing to seal.
   * @param declared what the agent declared of its Command types.
   * @throws RequestRefusedError PAYLOAD_KEY_NEEDED when there is no key to seal with, INVALID_REQUEST for a value that
   * only looks sealed.
   */
  seal(
    agentId: string,
    commands: readonly WireCommand[],
    declared: DeclaredTypes | undefined,
  ): readonly WireCommand[] {
    refuseSealed(commands);
    if (declared === undefined) return commands;
    try {
      return unlessSame(commands, (command) =>
        sealCommand(this.#keyring, agentId, command, secretFieldsOf(command.type, declared)),
      );
    } catch (error) {
      if (!(error instanceof NoKeyError)) throw error;
      throw new RequestRefusedError(error.code, error.message, { cause: error });
    }
  }

  /**
   * The Commands as the agent is to get them.
   * @throws SecretUnreadableError when one can't be opened here: it must not be written.
   */
  open(agentId: string, commands: readonly WireCommand[]): readonly WireCommand[] {
    return unlessSame(commands, (command) => openCommand(this.#keyring, agentId, command));
  }
}

/** Commands as listeners may see them: whatever is secret, sealed or not, is masked. Copies where something is. */
export function maskedCommands(
  commands: readonly WireCommand[],
  declared: DeclaredTypes | undefined,
): readonly WireCommand[] {
  return commands.map((command) => maskSecrets(command, secretFieldsOf(command.type, declared)));
}

/** What callers bring is in clear: a sealed value could only be one that was meant for another place. */
function refuseSealed(commands: readonly WireCommand[]): void {
  for (const command of commands) {
    replaceSealed(command, (_sealed, path) => {
      const message = `Field ${path} of ${command.type} holds $sealed, which marks what the manager has sealed: give the value itself.`;
      throw new RequestRefusedError("INVALID_REQUEST", message);
    });
  }
}

function unlessSame(
  commands: readonly WireCommand[],
  change: (command: WireCommand) => WireCommand,
): readonly WireCommand[] {
  const changed = commands.map(change);
  return changed.some((command, i) => command !== commands[i]) ? changed : commands;
}
