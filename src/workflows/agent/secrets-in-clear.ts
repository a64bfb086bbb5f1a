import { ApplicationFailure } from "@temporalio/common";
import { secretFieldsOf } from "../../api/index.ts";
import { fieldsInClear } from "../../lifecycle/secret-fields.ts";
import type { AdmitMessage, AdmitRefusal, ToBeSealed } from "../agent-messages.ts";
import type { Agent } from "./agent.ts";

/**
 * Why a Request must be brought again: who brought it did not know that fields are secret, because the agent declared them
 * after a gateway had looked, because that is of an earlier release, or because a caller's workflow only learns it so. For
 * the validator alone, so that nothing of it gets into the history. Other clients of Temporal decide for themselves what
 * they show it.
 */
export function secretsInClear(
  agent: Agent,
  { commands, replyTo, refuseInClear }: AdmitMessage,
): ApplicationFailure | undefined {
  const declared = agent.state.host?.commandTypes;
  const minds = refuseInClear === true || replyTo?.type === "gateway";
  if (!minds || declared === undefined) return undefined;
  const secretFields: Record<string, readonly string[]> = {};
  for (const command of commands) {
    const fields = secretFieldsOf(command.type, declared);
    if (fieldsInClear(command, fields).length > 0) secretFields[command.type] = fields;
  }
  const types = Object.keys(secretFields);
  if (types.length === 0) return undefined;
  const type: AdmitRefusal = "INVALID_REQUEST";
  return ApplicationFailure.create({
    type,
    message: `${types.join(", ")}: fields came in clear that the agent declares secret. Seal them; a gateway that does not is to be upgraded.`,
    nonRetryable: true,
    details: [{ secretFields } satisfies ToBeSealed],
  });
}
