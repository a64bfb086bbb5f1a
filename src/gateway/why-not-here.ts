import { findIdentity, findRoute, type Db } from "../db/index.ts";
import { RequestRefusedError } from "./errors.ts";

/** Why this gateway has no open session of an agent, as a refusal for its caller. */
export async function whyNotHere(
  db: Db,
  gatewayId: string,
  agentId: string,
): Promise<RequestRefusedError> {
  try {
    const route = await findRoute(db, agentId);
    if (route !== undefined && route.gatewayId !== gatewayId) {
      return new RequestRefusedError(
        "AGENT_ELSEWHERE",
        `Agent ${agentId} is connected to gateway ${route.gatewayId}: ask there.`,
        route.apiUrl === null ? {} : { apiUrl: route.apiUrl },
      );
    }
    return (
      (await whyNoAgent(db, agentId)) ??
      new RequestRefusedError("AGENT_NOT_CONNECTED", `Agent ${agentId} is not connected.`)
    );
  } catch (error) {
    return unavailable("Postgres", error);
  }
}

/** The refusal for an agent that is not registered or was removed; undefined when it is there. */
export async function whyNoAgent(
  db: Db,
  agentId: string,
): Promise<RequestRefusedError | undefined> {
  const identity = await findIdentity(db, agentId);
  if (identity === undefined) {
    return new RequestRefusedError("AGENT_UNKNOWN", `There is no agent ${agentId}.`);
  }
  if (identity.removed) {
    return new RequestRefusedError("AGENT_REMOVED", `Agent ${agentId} was removed.`);
  }
  return undefined;
}

/** A part that the manager stands on does not answer. */
export function unavailable(part: string, cause: unknown): RequestRefusedError {
  return new RequestRefusedError(
    "MANAGER_UNAVAILABLE",
    `${part} does not answer: nothing was recorded, try again with the same request id.`,
    { cause },
  );
}
