/** The one way back: a new session, or a ping that shows that the session given up lives. Ends whatever alert stood. */
import type { StatusEvent } from "../../api/index.ts";
import type { Agent } from "./agent.ts";
import { clearAlert } from "./alert.ts";

/** @returns whether the Status table took it. */
export function regain(agent: Agent, events: readonly StatusEvent[], reason: string): boolean {
  if (!agent.moveStatus(events, reason)) return false;
  agent.state.loss = null;
  clearAlert(agent);
  return true;
}
