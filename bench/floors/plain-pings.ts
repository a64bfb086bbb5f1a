/** Floor of `bench idle`: the plain way, where each ping is one signal that sets the workflow's timer anew. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@temporalio/client";
import { inParallel } from "../measure.ts";
import { startNode } from "../processes.ts";
import { pingSignal, pingedWorkflow } from "./bare-workflow.ts";
import { bareTaskQueue } from "./bare-temporal.ts";

const inFlight = 32;

export interface PlainFleet {
  readonly workerPid: number | undefined;
  /** Every agent pings once within that time, evenly spread over it. Gives the number of pings. */
  pingFor(ms: number): Promise<number>;
  stop(): Promise<void>;
}

/** Starts the workflows of so many agents, and the worker process that runs them. */
export async function startPlainFleet(
  client: Client,
  address: string,
  namespace: string,
  agents: number,
  pingTimeoutMs: number,
): Promise<PlainFleet> {
  const worker = await startNode(new URL("bare-worker.mjs", import.meta.url), [
    address,
    namespace,
    bareTaskQueue,
  ]);
  const id = (number: number): string => `bench-plain-${number}`;
  await inParallel(agents, inFlight, async (number) => {
    await client.workflow.start(pingedWorkflow, {
      workflowId: id(number),
      taskQueue: bareTaskQueue,
      args: [pingTimeoutMs],
    });
  });
  return {
    workerPid: worker.process.pid,
    pingFor: async (ms) => {
      const began = performance.now();
      await inParallel(agents, inFlight, async (number) => {
        await sleep(Math.max(0, began + (number * ms) / agents - performance.now()));
        await client.workflow.getHandle(id(number)).signal(pingSignal);
      });
      await sleep(Math.max(0, began + ms - performance.now()));
      return agents;
    },
    stop: async () => {
      await inParallel(agents, inFlight, async (number) => {
        await client.workflow.getHandle(id(number)).terminate("the floor is measured");
      });
      await worker.stop();
    },
  };
}
