/** The messages of `/api/v1/socket` behind their id, as JSON. Each is made once, however often it is asked. */
import { randomUUID } from "node:crypto";
import { traitsOf, type Command } from "../api/index.ts";

/** How a batch is carried out. */
export interface BatchFields {
  readonly requestId?: string | undefined;
  readonly onError?: "stop" | "continue" | undefined;
  readonly waitSeconds?: number | undefined;
  readonly progress?: true;
}

export function batchBody(
  method: "send" | "ask" | "submit",
  agentId: string,
  commands: readonly Command[],
  fields: BatchFields,
): string {
  return bodyOf({ method, agentId, commands: commands.map(withId), ...fields });
}

export function requestBody(requestId: string, waitSeconds: number): string {
  return bodyOf({ method: "request", requestId, waitSeconds });
}

export function cancelBody(requestId: string, reason: string): string {
  return bodyOf({ method: "cancel", requestId, reason });
}

/**
 * The same Command for many agents: written as JSON once, with an id of its own for each agent.
 */
export function bodiesFor(
  method: "send" | "ask",
  command: Command,
  fields: Pick<BatchFields, "waitSeconds">,
): (agentId: string, requestId: string | undefined) => string {
  const before = JSON.stringify({ ...fieldsOf(command), id: undefined }).slice(0, -1);
  const after = bodyOf({ ...fields, method });
  return (agentId, requestId) => {
    const request = requestId === undefined ? "" : `"requestId":${JSON.stringify(requestId)},`;
    return `"agentId":${JSON.stringify(agentId)},${request}"commands":[${before},"id":"${randomUUID()}"}],${after}`;
  };
}

/** How long the caller of a Request waits: what it said, else the longest of its Commands' own waits. */
export function waitMsOf(commands: readonly Command[], waitSeconds: number | undefined): number {
  return (
    1_000 * (waitSeconds ?? Math.max(...commands.map(({ type }) => traitsOf(type).waitSeconds)))
  );
}

/** Ids are made here: a Request that is asked again must be the same. */
function withId(command: Command) {
  return { ...fieldsOf(command), id: command.id ?? randomUUID() };
}

/** What crosses the wire of a Command; its type may be a getter of its class. */
function fieldsOf(command: Command): object {
  return { ...(command as object), type: command.type };
}

function bodyOf(message: object): string {
  return JSON.stringify(message).slice(1);
}
