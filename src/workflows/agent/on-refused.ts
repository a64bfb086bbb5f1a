/** A gateway did not admit the agent: what `src/lifecycle/refusal.ts` makes of it, carried out. */
import { log } from "@temporalio/workflow";
import { decideRefusal } from "../../lifecycle/refusal.ts";
import type { RefusedMessage } from "../agent-messages.ts";
import type { Agent } from "./agent.ts";
import { learn } from "./disconnect.ts";

export function onRefused(agent: Agent, { code, details, retryable }: RefusedMessage): void {
  const { status, statusReason, resourceState, loss } = agent.state;
  const decision = decideRefusal({
    status,
    resourceState,
    refusal: { code, details, retryable },
    standing: loss?.rule === "wrongSetUp" ? statusReason : undefined,
  });
  switch (decision.type) {
    case "ignored":
      log.info("refusal ignored", { code, reason: decision.reason });
      return;
    case "noted":
      agent.note("handshakeRefused", `Not admitted: ${decision.text}`, { code, retryable });
      return;
    case "setUpWrong": {
      const rule = "wrongSetUp";
      agent.note("handshakeRefused", `Not admitted: ${decision.details}`, { code, rule });
      learn(agent, { type: "setUpWrong", details: decision.details }, []);
      return;
    }
  }
}
