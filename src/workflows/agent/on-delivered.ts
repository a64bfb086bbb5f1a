import { log } from "@temporalio/workflow";
import type { Agent } from "./agent.ts";
import type { Delivered } from "./inbox.ts";
import { takeBack } from "./requests.ts";

/** Between two tries to hand Requests to the same session, in milliseconds. */
const deliverAgainMs = 5_000;

/** A gateway took Requests over, or did not. What is left is handed over again while the session lasts. */
export function onDelivered(agent: Agent, message: Delivered): void {
  const { state } = agent;
  takeBack(agent, message.epoch, message.notWritten);
  if (message.failure !== undefined) {
    log.warn("requests not handed over", { seqs: message.seqs, failure: message.failure });
  }
  if (state.session?.epoch !== message.epoch) return;
  if (message.failure !== undefined) state.redeliver = [...state.redeliver, ...message.seqs];
  if (message.failure !== undefined || message.notWritten.length > 0) {
    state.deliverAgainAtMs = agent.nowMs + deliverAgainMs;
  }
}
