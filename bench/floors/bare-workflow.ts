/** Floor of `bench durable` and `bench connect`: an empty workflow with one Update and one signal. */
import {
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
} from "@temporalio/workflow";

export const bareUpdate = defineUpdate<number, [unknown]>("bareUpdate");
export const bareSignal = defineSignal<[unknown]>("bareSignal");
export const signalsSeenQuery = defineQuery<number>("signalsSeen");

/** Takes Updates and signals, and does nothing with them. */
export async function bareWorkflow(): Promise<void> {
  let updates = 0;
  let signals = 0;
  setHandler(bareUpdate, () => (updates += 1));
  setHandler(bareSignal, () => {
    signals += 1;
  });
  setHandler(signalsSeenQuery, () => signals);
  await condition(() => false);
}
