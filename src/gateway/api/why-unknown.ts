import { findRefusal, type Db } from "../../db/index.ts";
import { ApiError } from "./errors.ts";

/** The refusal of a call for an agent that is not registered: perhaps it tried to be. */
export async function whyUnknown(
  db: Db,
  agentId: string,
  options?: ErrorOptions,
): Promise<ApiError> {
  const refusal = await findRefusal(db, agentId);
  const why =
    refusal === undefined
      ? "look at `muster agents` for those that did."
      : `it dials from ${refusal.peer} and is refused. ${refusal.reason}`;
  return new ApiError("AGENT_UNKNOWN", `No agent ${agentId} ever connected: ${why}`, options);
}
