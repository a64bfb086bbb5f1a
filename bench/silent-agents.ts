/** Agents that fall silent with their sockets open, and how long their lifecycles take to see it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectingAgent } from "./connecting-agent.ts";
import type { BenchStack } from "./stack.ts";

const lookEveryMs = 50;

/** The longest time from an agent's last ping until its lifecycle counts it as lost, in milliseconds. */
export async function detectSilence(
  stack: BenchStack,
  agents: readonly ConnectingAgent[],
  options: { readonly onSilent?: () => Promise<void>; readonly patienceMs: number },
): Promise<number> {
  const lastPingAtMs = new Map<string, number>();
  for (const agent of agents) {
    await agent.ping();
    lastPingAtMs.set(agent.agentId, performance.now());
  }
  await options.onSilent?.();
  let slowestMs = 0;
  const waiting = new Set(lastPingAtMs.keys());
  const gaveUpAtMs = performance.now() + options.patienceMs;
  while (waiting.size > 0 && performance.now() < gaveUpAtMs) {
    for (const agentId of await lostAmong(stack, [...waiting])) {
      waiting.delete(agentId);
      const tookMs = performance.now() - (lastPingAtMs.get(agentId) ?? 0);
      slowestMs = Math.max(slowestMs, tookMs);
    }
    await sleep(lookEveryMs);
  }
  return waiting.size > 0 ? Number.POSITIVE_INFINITY : slowestMs;
}

async function lostAmong({ db }: BenchStack, agentIds: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `SELECT id FROM agents WHERE id = ANY ($1) AND status <> 'Up'`,
    [agentIds],
  );
  return rows.map(({ id }) => id);
}
