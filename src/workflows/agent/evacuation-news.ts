/** What an evacuation hears through the agent's own mailbox, and how it is told in the event log. */
import type { Answer } from "../../api/index.ts";
import { onEvacuationAnswers } from "../../lifecycle/evacuation-answers.ts";
import { isActive } from "../../lifecycle/evacuation-state.ts";
import type { EvacuationNews } from "../../lifecycle/evacuation-types.ts";
import type { Settled } from "../../lifecycle/mailbox-settle.ts";
import type { Agent } from "./agent.ts";

/** A Request of evacuation `no` has its Answers. Those that come after its end only tell what became of a machine. */
export function onOwnAnswers(agent: Agent, no: number, { request, answers }: Settled): void {
  const { evacuation } = agent.state;
  if (evacuation?.no === no && isActive(evacuation)) {
    noteNews(agent, onEvacuationAnswers(evacuation, request.requestId, answers, agent.nowMs));
    return;
  }
  for (const [index, { type }] of request.commands.entries()) {
    if (type !== "ListVms" && answers[index]?.result === true)
      noteLate(agent, type, answers[index]);
  }
}

function noteLate(agent: Agent, type: string, { details }: Answer): void {
  const what = details === undefined ? "" : `: ${details}`;
  agent.note("evacuation", `${type} was done after the evacuation had ended${what}`, {
    step: "late",
  });
}

export function noteNews(agent: Agent, news: readonly EvacuationNews[]): void {
  for (const { step, text, data } of news) agent.note("evacuation", text, { step, ...data });
}
