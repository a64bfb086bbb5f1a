/** The Requests that an agent's gateway was given, and the agent's Answers to them. */
import { waitUntil } from "../../helpers/wait-until.ts";
import type { AgentUnderTest } from "./rig.ts";

interface GivenRequest {
  readonly seq: number;
  readonly commands: readonly { readonly type: string; readonly id: string }[];
}

/** Waits for so many, each once. */
export async function given(agent: AgentUnderTest, count = 1): Promise<readonly GivenRequest[]> {
  return await waitUntil(`${count} Requests are with the agent`, () => {
    const requests = delivered(agent);
    return requests.length >= count && requests;
  });
}

export async function answerAll(agent: AgentUnderTest, count = 1): Promise<void> {
  for (const { seq, commands } of await given(agent, count)) {
    await agent.answer(seq, ...commands.map(({ id }) => id));
  }
}

/** Each once. */
export function delivered(agent: AgentUnderTest): readonly GivenRequest[] {
  const all = agent.edge
    .callsOf("deliver", agent.agentId)
    .flatMap(({ args }) => args["requests"] as GivenRequest[]);
  return [...new Map(all.map((request) => [request.seq, request])).values()];
}
