/**
 * `balancer`: keeps the agents evenly spread over the gateways, and empties those that drain (DESIGN §8). There is one. It
 * looks at the fleet when something changed, and now and then; what moves and how far it is lives here, so that it goes on
 * whatever is killed.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import {
  balancerQuery,
  cancelDrainUpdate,
  drainUpdate,
  fleetChangedSignal,
  pauseDrainUpdate,
  resumeDrainUpdate,
  type DrainVerbMessage,
} from "./balancer-messages.ts";
import { Balancing } from "./balancer/balancing.ts";
import { checkDrain, checkVerb, onDrain, onVerb } from "./balancer/drain-updates.ts";
import { listenForRenewal } from "./renewal.ts";
import { newBalancerState, type BalancerState } from "./balancer/state.ts";
import { describe, viewOf } from "./balancer/view.ts";

interface BalancerInput {
  readonly state?: BalancerState;
}

/** A slice of moves adds some twenty events. */
const renewEvents = 500;
/** Several gateways that come or go together are one change. */
const settleMs = 5_000;

export async function balancer(input: BalancerInput = {}): Promise<void> {
  const state = input.state ?? newBalancerState(Date.now());
  const balancing = new Balancing(state);
  let changed = false;
  /** Has the loop look at the fleet, `inMs` from now at the latest. */
  const lookSoon = (inMs: number): void => {
    state.nextLookAtMs = earlier(state.nextLookAtMs, Date.now() + inMs);
    changed = true;
  };
  const renewalAsked = listenForRenewal(() => {
    changed = true;
  });
  setHandlers(state, balancing, lookSoon);
  for (;;) {
    setCurrentDetails(describe(state));
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    if (historyLength >= renewEvents || continueAsNewSuggested || renewalAsked()) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof balancer>({ state });
    }
    const waitMs = (state.nextLookAtMs ?? 0) - Date.now();
    if (waitMs > 0) {
      await condition(() => changed, waitMs);
      changed = false;
      continue;
    }
    // What happens while it looks may want another look sooner than it does itself.
    state.nextLookAtMs = null;
    const againInMs = await balancing.look();
    state.nextLookAtMs = earlier(state.nextLookAtMs, Date.now() + againInMs);
  }
}

function earlier(a: number | null, b: number): number {
  return a === null ? b : Math.min(a, b);
}

function setHandlers(
  state: BalancerState,
  balancing: Balancing,
  lookSoon: (inMs: number) => void,
): void {
  setHandler(fleetChangedSignal, () => {
    lookSoon(settleMs);
  });
  setHandler(
    drainUpdate,
    (message) => {
      const view = onDrain(state, message, Date.now());
      balancing.beginAnew();
      lookSoon(0);
      return view;
    },
    { validator: checkDrain },
  );
  for (const [update, event] of [
    [pauseDrainUpdate, "pause"],
    [resumeDrainUpdate, "resume"],
    [cancelDrainUpdate, "cancel"],
  ] as const) {
    setHandler(
      update,
      (message) => {
        const view = onVerb(state, event, message, Date.now());
        if (event !== "resume") balancing.interrupt();
        lookSoon(0);
        return view;
      },
      {
        validator: (message: DrainVerbMessage) => {
          checkVerb(state, event, message);
        },
      },
    );
  }
  setHandler(balancerQuery, () => viewOf(state));
  setDefaultSignalHandler((signal) => {
    log.warn("signal ignored", { signal, reason: "no such signal" });
  });
}
