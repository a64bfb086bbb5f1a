/** Floors: an empty workflow with one Update and one signal, and one that is pinged the plain way (`bench idle`). */
import {
  condition,
  defineSignal,
  defineUpdate,
  proxySinks,
  setHandler,
} from "@temporalio/workflow";
import type { Sinks } from "@temporalio/workflow";

export const bareUpdate = defineUpdate<number, [unknown]>("bareUpdate");
export const bareSignal = defineSignal<[unknown]>("bareSignal");

/** How the worker process tells the bench that a signal was taken; leaves no history. */
export interface BareSinks extends Sinks {
  readonly bench: { signalTaken(): void };
}
const { bench } = proxySinks<BareSinks>();

/** Takes Updates and signals, and does nothing with them. */
export async function bareWorkflow(): Promise<void> {
  let updates = 0;
  setHandler(bareUpdate, () => (updates += 1));
  setHandler(bareSignal, () => {
    bench.signalTaken();
  });
  await condition(() => false);
}

export const pingSignal = defineSignal("ping");

/** An agent the plain way: each ping sets the timer anew; it ends when no ping comes in time. */
export async function pingedWorkflow(pingTimeoutMs: number): Promise<void> {
  let pinged = false;
  setHandler(pingSignal, () => {
    pinged = true;
  });
  do pinged = false;
  while (await condition(() => pinged, pingTimeoutMs));
}
