/**
 * A resource for scenarios of direct agents: writes each effect with its time, by the machine's own clock, and its process to
 * a file; hangs or crashes on demand. One of `acts: true` acts all the time, without being asked.
 */
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const traits = {
  inSequence: true,
  idempotent: false,
  readOnly: false,
  needsNewResources: false,
  evacuation: false,
  check: false,
  waitSeconds: 60,
};

export default ({ config }) => {
  const effect = (id) => {
    const atMs = Number(process.hrtime.bigint() / 1_000_000n);
    appendFileSync(config.file, `${JSON.stringify({ id, atMs, pid: process.pid })}\n`);
  };
  if (config.acts === true) setInterval(effect, 50, "tick");
  return {
    name: "direct",
    initialize: async () => ({
      name: "direct",
      resourceType: "direct",
      version: "1",
      commandTypes: { Act: traits, Wait: traits, Crash: traits, Hang: traits },
    }),
    currentStatus: async () => ({ healthy: true }),
    executeRequest: async ({ type, id, forMs }) => {
      if (type === "Crash") process.exit(3);
      if (type === "Hang") for (;;);
      if (type === "Wait") await sleep(forMs);
      effect(id);
      return { type: `${type}Answer`, result: true };
    },
  };
};
