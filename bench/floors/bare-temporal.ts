/** Floors of `bench durable` and `bench connect`: the bare Temporal operations on an empty workflow, same server, same client settings. */
import type { Client } from "@temporalio/client";
import { startNode, type Child } from "../processes.ts";
import { bareSignal, bareUpdate, bareWorkflow } from "./bare-workflow.ts";

export const bareTaskQueue = "bench-bare";

export interface BareTemporal {
  readonly workerPid: number | undefined;
  /** Opens a workflow to send Updates and signals to; gives its id. */
  open(workflowId: string): Promise<void>;
  /** One Update, completed, then one signal, acknowledged: what a durable Command can't do without. */
  updateAndSignal(workflowId: string, payload: unknown): Promise<void>;
  /** One signalWithStart: what a connecting agent can't do without. */
  signalWithStart(workflowId: string, payload: unknown): Promise<void>;
  /** Resolves when the worker has taken all signals of `signalWithStart`. */
  allTaken(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the worker process of the bare workflow. */
export async function startBareTemporal(
  client: Client,
  address: string,
  namespace: string,
): Promise<BareTemporal> {
  const worker: Child = await startNode(new URL("bare-worker.mjs", import.meta.url), [
    address,
    namespace,
    bareTaskQueue,
  ]);
  let sent = 0;
  let taken = 0;
  let wake = (): void => undefined;
  worker.onLine(() => {
    taken += 1;
    wake();
  });
  return {
    workerPid: worker.process.pid,
    allTaken: async () => {
      while (taken < sent) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    open: async (workflowId) => {
      await client.workflow.start(bareWorkflow, { workflowId, taskQueue: bareTaskQueue });
    },
    updateAndSignal: async (workflowId, payload) => {
      const handle = client.workflow.getHandle(workflowId);
      await handle.executeUpdate(bareUpdate, { args: [payload] });
      await handle.signal(bareSignal, payload);
    },
    signalWithStart: async (workflowId, payload) => {
      sent += 1;
      await client.workflow.signalWithStart(bareWorkflow, {
        workflowId,
        taskQueue: bareTaskQueue,
        signal: bareSignal,
        signalArgs: [payload],
      });
    },
    stop: () => worker.stop(),
  };
}
