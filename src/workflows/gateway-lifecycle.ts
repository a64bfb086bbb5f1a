/**
 * `gatewayLifecycle`: whether a gateway is there, for as long as its id is in use. One loop: joined and leaving change the
 * membership, the end of a lease does, and what others must be told is done in order, one after the other.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  proxyActivities,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { WorkerActivities } from "./activity-types.ts";
import { activitiesTaskQueue } from "./agent-messages.ts";
import { object, text } from "./agent/checks.ts";
import { gatewayStateQuery, joinedSignal, leavingSignal } from "./gateway-messages.ts";
import type { JoinedMessage, LeavingMessage } from "./gateway-messages.ts";
import type { Lease, LeaseEnd } from "./gateway/lease.ts";
import { listenForRenewal } from "./renewal.ts";
import { Membership } from "./gateway/membership.ts";
import { newGatewayState } from "./gateway/state.ts";
import type { Duty, GatewayState } from "./gateway/state.ts";

interface GatewayLifecycleInput {
  readonly state?: GatewayState;
}

type Inbound =
  | { readonly type: "joined"; readonly message: JoinedMessage }
  | { readonly type: "leaving"; readonly message: LeavingMessage }
  | { readonly type: "leaseEnd"; readonly lease: Lease; readonly end: LeaseEnd };

/** A renewal breaks the lease of a gateway that is there, so it waits for a moment without one, up to this many events. */
const renewEvents = { withoutLease: 300, atLatest: 900 } as const;

const { recordGateway } = proxyActivities<Pick<WorkerActivities, "recordGateway">>({
  taskQueue: activitiesTaskQueue,
  startToCloseTimeout: "10s",
  retry: { initialInterval: "1s", maximumInterval: "30s" },
});
const { tellAgentsGatewayLost } = proxyActivities<Pick<WorkerActivities, "tellAgentsGatewayLost">>({
  taskQueue: activitiesTaskQueue,
  startToCloseTimeout: "1h",
  heartbeatTimeout: "30s",
  retry: { initialInterval: "1s", maximumInterval: "30s" },
});

export async function gatewayLifecycle(input: GatewayLifecycleInput = {}): Promise<void> {
  const { workflowId } = workflowInfo();
  const inbox: Inbound[] = [];
  const state = input.state ?? newGatewayState(workflowId.replace(/^gateway\//, ""), Date.now());
  const membership = new Membership(state, (end) => inbox.push({ type: "leaseEnd", ...end }));
  const renewalAsked = listenForRenewal();
  setHandlers(membership, inbox);
  membership.resume();
  let working = false;
  for (;;) {
    for (let inbound = inbox.shift(); inbound; inbound = inbox.shift()) act(membership, inbound);
    setCurrentDetails(membership.describe());
    const duty = state.duties[0];
    if (duty !== undefined && !working) {
      working = true;
      void doDuty(duty).then(() => {
        state.duties.shift();
        working = false;
      });
    }
    if (renewable()) {
      await condition(allHandlersFinished);
      if (inbox.length === 0) await continueAsNew<typeof gatewayLifecycle>({ state });
      continue;
    }
    await condition(() => inbox.length > 0 || (!working && state.duties.length > 0) || renewable());
  }

  function renewable(): boolean {
    return !working && (renewalAsked() || mustRenew(membership.holdsLease));
  }
}

function setHandlers(membership: Membership, inbox: Inbound[]): void {
  const joined = object({ incarnation: text(1, 200), version: text(0, 200) });
  const leaving = object({ incarnation: text(1, 200), reason: text() });
  setHandler(joinedSignal, (message) => {
    const wrong = joined(message, "joined");
    if (wrong === undefined) inbox.push({ type: "joined", message });
    else log.warn("signal ignored", { reason: wrong });
  });
  setHandler(leavingSignal, (message) => {
    const wrong = leaving(message, "leaving");
    if (wrong === undefined) inbox.push({ type: "leaving", message });
    else log.warn("signal ignored", { reason: wrong });
  });
  setHandler(gatewayStateQuery, () => membership.view());
  setDefaultSignalHandler((signal) => {
    log.warn("signal ignored", { signal, reason: "no such signal" });
  });
}

function act(membership: Membership, inbound: Inbound): void {
  switch (inbound.type) {
    case "joined":
      membership.onJoined(inbound.message);
      return;
    case "leaving":
      membership.onLeaving(inbound.message);
      return;
    case "leaseEnd":
      membership.onLeaseEnd(inbound.lease, inbound.end);
      return;
  }
}

/** Done until it succeeds; an activity that refuses for good is logged, so that the next duty gets its turn. */
async function doDuty(duty: Duty): Promise<void> {
  try {
    if (duty.type === "record") {
      const { gateway, state, reason } = duty;
      await recordGateway({ gateway, state, reason });
    } else {
      const { gateway, reason } = duty;
      await tellAgentsGatewayLost({ gateway, reason });
    }
  } catch (error) {
    log.error("duty given up", { duty, error });
  }
}

function mustRenew(holdsLease: boolean): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  if (historyLength >= renewEvents.atLatest) return true;
  return !holdsLease && (historyLength >= renewEvents.withoutLease || continueAsNewSuggested);
}
