/** One agent's part of a call that goes to many. */
import { randomUUID } from "node:crypto";
import type { Answer, Command } from "../api/index.ts";
import type { SelectedAgent } from "./agent-list.ts";
import { batchBody, bodiesFor, waitMsOf } from "./call-bodies.ts";
import type { Connections } from "./connections.ts";
import { AgentManagerError } from "./errors.ts";

/** The same Command for all, or the one for each. */
export type CommandForEach<C extends Command> = C | ((agentId: string) => C);

/**
 * Gives the function that calls one agent. What does not depend on the agent is done here, once.
 */
export function callerOf(
  method: "send" | "ask",
  connections: Connections,
  command: CommandForEach<Command>,
  options: {
    readonly waitSeconds?: number | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly requestIdOf?: ((agentId: string) => string) | undefined;
  },
): (agent: SelectedAgent) => Promise<Answer | undefined> {
  const { waitSeconds, signal, requestIdOf = () => randomUUID() } = options;
  const messageFor = messagesFor(method, command, waitSeconds);
  return async ({ id, apiUrl, awayReason }) => {
    if (method === "send") {
      const requestId = requestIdOf(id);
      const { body, waitMs } = messageFor(id, requestId);
      const waitOverMs = performance.now() + waitMs;
      const request = { body, repeatable: true, waitOverMs, requestId };
      return (await connections.send(request, signal))[0];
    }
    if (awayReason !== undefined) {
      throw new AgentManagerError("AGENT_NOT_CONNECTED", "notSent", awayReason);
    }
    if (apiUrl !== undefined) connections.learnHome(id, apiUrl);
    const { body, waitMs } = messageFor(id);
    const waitOverMs = performance.now() + waitMs;
    return (await connections.ask(id, { body, repeatable: false, waitOverMs }, signal))[0];
  };
}

function messagesFor(
  method: "send" | "ask",
  command: CommandForEach<Command>,
  waitSeconds: number | undefined,
): (agentId: string, requestId?: string) => { readonly body: string; readonly waitMs: number } {
  if (typeof command !== "function") {
    const waitMs = waitMsOf([command], waitSeconds);
    const bodyFor = bodiesFor(method, command, { waitSeconds });
    return (agentId, requestId) => ({ body: bodyFor(agentId, requestId), waitMs });
  }
  return (agentId, requestId) => {
    const commands = [madeFor(agentId, command)];
    const body = batchBody(method, agentId, commands, { requestId, waitSeconds });
    return { body, waitMs: waitMsOf(commands, waitSeconds) };
  };
}

/** @throws AgentManagerError NO_COMMAND when the caller's function throws. */
function madeFor(agentId: string, make: (agentId: string) => Command): Command {
  try {
    return make(agentId);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `There is no Command for agent ${agentId}: ${why}`;
    throw new AgentManagerError("NO_COMMAND", "notSent", message, { cause: error });
  }
}
