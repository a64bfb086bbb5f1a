/** What happens to the gateways, one after the other, as the seed says. */
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil } from "../helpers/wait-until.ts";
import type { Chance } from "./seeded.ts";
import type { FaultStack } from "./stack.ts";

const churnKinds = ["drain", "kill", "stop", "restart", "add"] as const;
export type ChurnKind = (typeof churnKinds)[number];

export interface ChurnEvent {
  readonly kind: ChurnKind;
  readonly what: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Agents that a drain moved each second. */
  readonly movedPerSecond?: number;
}

const drainBeginsWithinMs = 60_000;
/** Hundreds of agents, on a machine that does everything else beside it. */
const emptiedWithinMs = 300_000;

/** All kinds once in random order, then again, so that a short run has each of them. */
export function kindsOf(chance: Chance): () => ChurnKind {
  let left: readonly ChurnKind[] = [];
  return () => {
    if (left.length === 0) left = chance.shuffled(churnKinds);
    const [next = "drain", ...rest] = left;
    left = rest;
    return next;
  };
}

export async function happen(
  stack: FaultStack,
  kind: ChurnKind,
  chance: Chance,
  nowMs: () => number,
): Promise<ChurnEvent> {
  const index = chance.between(0, stack.processes.gateway.length - 1);
  const gateway = stack.processes.gateway[index];
  if (gateway === undefined) throw new Error("There is no gateway.");
  const fromMs = nowMs();
  const ended = (what: string, more: Partial<ChurnEvent> = {}): ChurnEvent => {
    return { kind, what: `${kind} ${what}`, fromMs, toMs: nowMs(), ...more };
  };
  switch (kind) {
    case "kill":
      gateway.signal("SIGKILL");
      await sleep(chance.between(500, 5_000));
      await gateway.start();
      return ended(gateway.name);
    case "stop": {
      const stoppedMs = chance.oneOf([2_000, 7_000, 20_000]);
      gateway.signal("SIGSTOP");
      await sleep(stoppedMs);
      gateway.signal("SIGCONT");
      return ended(`${gateway.name} for ${stoppedMs} ms`);
    }
    case "restart":
      await gateway.stop();
      await gateway.start();
      return ended(gateway.name);
    case "add": {
      const id = `gateway-added`;
      const known = stack.processes.gateway.find(({ name }) => name === id);
      if (known === undefined) await stack.addGateway(id);
      else if (known.endedWith() !== undefined) await known.start();
      return ended(id);
    }
    case "drain": {
      const movedPerSecond = await drain(stack, gateway.name);
      return ended(gateway.name, { movedPerSecond });
    }
  }
}

async function drain(stack: FaultStack, gatewayId: string): Promise<number> {
  const path = `/api/v1/gateways/${gatewayId}/drain`;
  // One that started just now may not show as joined yet.
  const startedMs = await waitUntil(
    `the drain of ${gatewayId} begins`,
    async () => {
      const askedMs = performance.now();
      const begun = await stack.call("POST", path, { agentsPerSecond: 500, by: "churn" });
      if (begun?.status === 200) return askedMs;
      if (begun === undefined || begun.status === 409) return undefined;
      throw new Error(`No drain: ${JSON.stringify(begun.body)}`);
    },
    { timeoutMs: drainBeginsWithinMs, everyMs: 200 },
  );
  const ended = await waitUntil(
    `${gatewayId} is empty`,
    async () => {
      const { state, moved } = ((await stack.get(path))?.body ?? {}) as Record<string, unknown>;
      return (state === "drained" || state === "gone") && { moved: Number(moved) };
    },
    { timeoutMs: emptiedWithinMs, everyMs: 200 },
  );
  const rate = (ended.moved * 1_000) / (performance.now() - startedMs);
  await stack.call("DELETE", path);
  return rate;
}
