import { ApplicationFailure } from "@temporalio/common";
import { secretFieldsOf } from "../../api/index.ts";
import { fieldsInClear } from "../../lifecycle/secret-fields.ts";
import type { AdmitMessage, AdmitRefusal, ToBeSealed } from "../agent-messages.ts";
import type { Agent } from "./agent.ts";

/**
 * Why a gateway must bring a Request again: it did not know that fields are secret, because the agent declared them after
 * the gateway had looked, or because the gateway is of an earlier release. For the validator alone, so that nothing of
 * it gets into the history. Other clients of Temporal decide for themselves what they show it.
 */
export function secretsInClear(
  agent: Agent,
  { commands, replyTo }: AdmitMessage,
): ApplicationFailure | undefined {
  const declared = agent.state.host?.commandTypes;
  if (replyTo?.type !== "gateway" || declared === undefined) return undefined;
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
    message: `${types.join(", ")}: fields came in clear that the agent declares secret. Upgrade this gateway, or use another one.`,
    nonRetryable: true,
    details: [{ secretFields } satisfies ToBeSealed],
  });
}
