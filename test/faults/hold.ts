/** Holds the load at one moment of its way, so that the fault hits that moment. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pendingQuery, agentWorkflowId } from "../../src/workflows/agent-messages.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { longWaitMs } from "./checker.ts";
import type { LoadRequest } from "./facts.ts";
import type { Cell } from "./matrix.ts";
import { readNotes } from "./notes.ts";
import type { Chance } from "./seeded.ts";
import { agentIds, type FaultStack } from "./stack.ts";

/** A machine with other things to do needs its time; the waits of the load are no shorter. */
const heldWithinMs = 45_000;

export interface Hold {
  /** How it is held, for people. */
  readonly how: string;
  /** Called once the Commands are under way; resolves when they are where they are to be held. */
  readonly reached: () => Promise<void>;
  readonly release: () => void;
}

/** Makes ready to hold; resolves when Commands may be sent. */
export async function holdAt(
  stack: FaultStack,
  cell: Cell,
  load: readonly LoadRequest[],
  chance: Chance,
): Promise<Hold> {
  switch (cell.phase) {
    case "unwritten":
      return await holdUnwritten(stack, cell, load, chance);
    case "executing":
      return holdExecuting(stack, load);
    case "unacked":
      return holdUnacked(stack, cell, load, chance);
  }
}

/** Either no worker admits them, or they are admitted and their agents are away. */
async function holdUnwritten(
  stack: FaultStack,
  cell: Cell,
  load: readonly LoadRequest[],
  chance: Chance,
): Promise<Hold> {
  const noWorker = cell.target === "agent-gateway" || chance.happens(0.5);
  // A worker that is stopped takes no SIGTERM and needs no network.
  if (noWorker && !cell.target.startsWith("worker")) {
    const [worker] = stack.processes.worker;
    const before = await requestsAtGateways(stack);
    worker?.signal("SIGSTOP");
    return {
      how: "no worker",
      reached: async () => {
        await waitUntil("the gateways have the Requests", async () => {
          return (await requestsAtGateways(stack)) - before >= load.length;
        });
      },
      release: () => worker?.signal("SIGCONT"),
    };
  }
  const links = stack.links["agent-gateway"];
  for (const link of links) {
    link.refuse(true);
    link.cut();
  }
  await waitUntil("every agent is away", async () => {
    const reply = await stack.get("/api/v1/agents?status=Up");
    return (reply?.body as { agents?: unknown[] } | undefined)?.agents?.length === 0;
  });
  return {
    how: "agents away",
    reached: () => untilPending(stack, load, () => true),
    release: () => {
      for (const link of links) link.refuse(false);
    },
  };
}

function holdExecuting(stack: FaultStack, load: readonly LoadRequest[]): Hold {
  for (const agentId of agentIds) writeFileSync(gateOf(stack, agentId), "");
  return {
    how: "gate closed",
    reached: async () => {
      await untilPending(stack, load, ({ handed }) => handed);
      await waitUntil("every agent executes", () =>
        agentIds.every((agentId) => begun(stack, agentId, load) > 0),
      );
    },
    release: () => {
      openGates(stack);
    },
  };
}

/** Everything has run, and no Answer has reached the gateway, or Temporal. */
function holdUnacked(
  stack: FaultStack,
  cell: Cell,
  load: readonly LoadRequest[],
  chance: Chance,
): Hold {
  const atAgents = cell.target !== "agent-gateway" && chance.happens(0.5);
  const atTemporal = cell.target === "gateway-temporal" || cell.target === "temporal";
  const links = stack.links[atAgents || atTemporal ? "agent-gateway" : "gateway-temporal"];
  const executing = holdExecuting(stack, load);
  return {
    how:
      atAgents || atTemporal ? "Answers on their way to the gateway" : "on their way to Temporal",
    reached: async () => {
      await executing.reached();
      for (const link of links) link.hold("toServer");
      openGates(stack);
      await untilAllHaveRun(stack, load);
    },
    release: () => {
      for (const link of links) link.release();
    },
  };
}

/** Waits until nothing more begins: what a failure stopped never does. */
async function untilAllHaveRun(stack: FaultStack, load: readonly LoadRequest[]): Promise<void> {
  let last = -1;
  let sinceMs = performance.now();
  await waitUntil("all Commands have run", () => {
    const all = agentIds.reduce((sum, agentId) => sum + begun(stack, agentId, load), 0);
    if (all !== last) sinceMs = performance.now();
    last = all;
    return performance.now() - sinceMs > 300;
  });
}

/** Waits until the lifecycles have every Request whose caller waits long, and as it is wanted. */
async function untilPending(
  stack: FaultStack,
  load: readonly LoadRequest[],
  wanted: (view: { readonly handed: boolean }) => boolean,
): Promise<void> {
  const awaited = new Set(
    load.filter(({ waitMs }) => waitMs >= longWaitMs).map(({ requestId }) => requestId),
  );
  await waitUntil(
    () => `the lifecycles have the Requests (${[...awaited].join(", ")} missing)`,
    async () => {
      for (const agentId of agentIds) {
        const pending = await stack.temporal.workflow
          .getHandle(agentWorkflowId(agentId))
          .query(pendingQuery);
        for (const view of pending) if (wanted(view)) awaited.delete(view.requestId);
      }
      return awaited.size === 0;
    },
    { everyMs: 100, timeoutMs: heldWithinMs },
  );
}

async function requestsAtGateways(stack: FaultStack): Promise<number> {
  let sum = 0;
  for (const url of stack.apiUrls) {
    const response = await fetch(`${url}/metrics`, {
      headers: { authorization: `Bearer ${stack.apiToken}` },
    });
    const figure = /^muster_gateway_durable_requests_total (\d+)/m.exec(await response.text());
    sum += Number(figure?.[1]);
  }
  return sum;
}

function begun(stack: FaultStack, agentId: string, load: readonly LoadRequest[]): number {
  return readNotes(stack.folderOf(agentId), load).begun.length;
}

function gateOf(stack: FaultStack, agentId: string): string {
  return join(stack.folderOf(agentId), "gate");
}

function openGates(stack: FaultStack): void {
  for (const agentId of agentIds) rmSync(gateOf(stack, agentId), { force: true });
}
