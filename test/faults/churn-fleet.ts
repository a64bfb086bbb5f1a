/** Many agents in this process, each with a resource that notes its effects in order. */
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import type { ServerResource } from "../../src/api/index.ts";
import { Container } from "../../src/agent/container.ts";
import { Journal } from "../../src/agent/journal.ts";
import { createDial } from "../../src/agent/link.ts";
import { ManagerPort } from "../../src/agent/manager-port.ts";
import { ResourceSet } from "../../src/agent/resource-set.ts";
import { createLog } from "../../src/telemetry/log.ts";
import type { ResourceNotes } from "./facts.ts";
import { joinToken } from "./stack.ts";

const frameBytesMax = 1_048_576;
const connectsPerSecond = 100;
const traits = { needsNewResources: false, evacuation: false, check: false, waitSeconds: 60 };
const commandTypes = {
  Step: { ...traits, readOnly: false, inSequence: true, idempotent: false },
  FreeStep: { ...traits, readOnly: false, inSequence: false, idempotent: false },
  Redo: { ...traits, readOnly: false, inSequence: true, idempotent: true },
  FreeRedo: { ...traits, readOnly: false, inSequence: false, idempotent: true },
  Peek: { ...traits, readOnly: true, inSequence: false, idempotent: true },
};

export interface ChurnFleet {
  readonly agentIds: readonly string[];
  readonly notesOf: (agentId: string) => ResourceNotes;
  readonly stop: () => Promise<void>;
}

export async function startFleet(options: {
  readonly agents: number;
  readonly gateways: readonly string[];
  readonly home: string;
}): Promise<ChurnFleet> {
  const { agents, gateways, home } = options;
  const stop = new AbortController();
  // Each agent listens to it.
  setMaxListeners(0, stop.signal);
  const log = createLog("churn agents", "fatal");
  const dial = createDial({ frameBytesMax });
  const notes = new Map<string, string[]>();
  const agentIds = Array.from({ length: agents }, (_, i) => `churn-${i + 1}`);
  const running = agentIds.map(async (agentId, i) => {
    const effects: string[] = [];
    notes.set(agentId, effects);
    await new Promise((resolve) => setTimeout(resolve, (i * 1_000) / connectsPerSecond));
    const place = { zone: "zone-1", cluster: `churn-${(i % 10) + 1}` };
    const journal = new Journal(join(home, "agents", agentId, "journal.jsonl"), log);
    await journal.load();
    const first = i % gateways.length;
    await new Container({
      agentId,
      gateways: [...gateways.slice(first), ...gateways.slice(0, first)],
      credentials: { secret: `churn-secret-of-${agentId}`.padEnd(43, "x"), joinToken },
      software: "churn",
      resources: new ResourceSet([noting(effects)], place, log),
      manager: new ManagerPort(),
      journal,
      dial,
      frameBytesMax,
      log,
    }).run(stop.signal);
  });
  return Promise.resolve({
    agentIds,
    notesOf: (agentId) => ({ effects: notes.get(agentId) ?? [], begun: [] }),
    stop: async () => {
      stop.abort();
      await Promise.all(running);
    },
  });
}

function noting(effects: string[]): ServerResource {
  return {
    name: "churn",
    initialize: () =>
      Promise.resolve({
        name: "churn",
        resourceType: "churn",
        version: "1",
        commandTypes,
      } as never),
    currentStatus: () => Promise.resolve({ healthy: true } as never),
    executeRequest: async (command) => {
      const {
        id,
        type,
        takesMs = 0,
        fails,
      } = command as unknown as {
        readonly id: string;
        readonly type: string;
        readonly takesMs?: number;
        readonly fails?: boolean;
      };
      if (!Object.hasOwn(commandTypes, type)) {
        return { type: `${type}Answer`, result: type === "CheckHealth" };
      }
      if (takesMs > 0) await new Promise((resolve) => setTimeout(resolve, takesMs));
      if (fails === true) return { type: `${type}Answer`, result: false };
      if (type !== "Peek") effects.push(id);
      return { type: `${type}Answer`, result: true };
    },
  };
}
