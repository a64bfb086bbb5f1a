/**
 * The doors of an agent's lifecycle. Signals are checked and put into the inbox; none can fail the workflow. Updates are
 * refused by validators where they can be, which leaves no trace in the history.
 */
import { ApplicationFailure } from "@temporalio/common";
import {
  currentUpdateInfo,
  setDefaultSignalHandler,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { SignalDefinition } from "@temporalio/workflow";
import {
  addRecurringUpdate,
  admitUpdate,
  answerSignal,
  cancelUpdate,
  configureUpdate,
  connectedSignal,
  disconnectSignal,
  gatewayLostSignal,
  operatorSignals,
  operatorUpdates,
  operatorVerbs,
  pendingQuery,
  pingSignal,
  progressSignal,
  recurringQuery,
  refusedSignal,
  removeRecurringUpdate,
  requestQuery,
  stateQuery,
  undeliveredSignal,
} from "../agent-messages.ts";
import type {
  AddRecurringMessage,
  AdmitMessage,
  AdmitRefusal,
  BareAdmitMessage,
  EnterMaintenanceMessage,
} from "../agent-messages.ts";
import type { Inbound } from "./inbox.ts";
import type { Life } from "./life.ts";
import { onConfigure, onVerb, verbFailure } from "./operator-verbs.ts";
import { admitFailure, onAdmit, readAdmit } from "./admit.ts";
import {
  addRecurringFailure,
  onAddRecurring,
  onRemoveRecurring,
  recurringSecretFailure,
  recurringViews,
} from "./recurring.ts";
import { onCancel } from "./requests.ts";
import { isObject } from "./checks.ts";
import { secretsInClear } from "./secrets-in-clear.ts";
import { shapes } from "./shapes.ts";
import { pendingOf, requestOf, viewOf } from "./view.ts";

/** Sets every handler; the state must be there before, because messages that waited are handled at once. */
export function setHandlers(life: Life): void {
  setSignalHandlers(life);
  setUpdateHandlers(life);
  const { state } = life.agent;
  setHandler(stateQuery, () => viewOf(state));
  const askedAtMs = () => workflowInfo().unsafe.now();
  setHandler(pendingQuery, () => pendingOf(state, askedAtMs()));
  setHandler(requestQuery, (requestId) => requestOf(state, requestId, askedAtMs()));
  setHandler(recurringQuery, () => recurringViews(state));
}

function setSignalHandlers(life: Life): void {
  /** Puts a message into the inbox if it has the shape that its type promises. */
  const take = <T>(
    signal: SignalDefinition<[T]>,
    name: keyof typeof shapes,
    inbound: (message: T) => Inbound,
  ): void => {
    setHandler(signal, (message) => {
      const reason = shapes[name](message, name);
      if (reason === undefined) life.put(inbound(message));
      else life.put({ type: "unreadable", signal: name, reason });
    });
  };
  take(connectedSignal, "connected", (message) => ({ type: "connected", message }));
  take(pingSignal, "ping", (message) => ({ type: "ping", message }));
  take(answerSignal, "answer", (message) => ({ type: "answer", message }));
  take(progressSignal, "progress", (message) => ({ type: "progress", message }));
  take(undeliveredSignal, "undelivered", (message) => ({ type: "undelivered", message }));
  take(disconnectSignal, "disconnect", (message) => ({ type: "disconnect", message }));
  take(refusedSignal, "refused", (message) => ({ type: "refused", message }));
  take(gatewayLostSignal, "gatewayLost", (message) => ({ type: "gatewayLost", message }));
  for (const verb of operatorVerbs) {
    setHandler(operatorSignals[verb], (message) => {
      const reason = verb === "enterMaintenance" && shapes.enterMaintenance(message, verb);
      if (isObject(message) && typeof reason === "string") {
        // It asks for something that can't be read: another policy than the one that was meant would do harm.
        life.put({ type: "unreadable", signal: verb, reason });
        return;
      }
      // Who asks is only for the log: a verb without it, or with rubbish in its place, is still meant.
      const known = shapes.operator(message, verb) === undefined ? (message ?? {}) : {};
      life.put({ type: "operator", verb, message: known });
    });
  }
  setDefaultSignalHandler((signal) => {
    life.put({ type: "unreadable", signal, reason: "no such signal" });
  });
}

function setUpdateHandlers(life: Life): void {
  const { agent } = life;
  setHandler(admitUpdate, (message) => life.update(() => onAdmit(agent, whole(message))), {
    validator: (message: BareAdmitMessage) => {
      requireShape("admit", message);
      life.catchUp();
      const complete = whole(message);
      refuse(admitFailure(agent, complete));
      refuse(secretsInClear(agent, complete));
    },
  });
  setHandler(
    cancelUpdate,
    ({ requestId, reason }) =>
      life.update(() => onCancel(agent, { requestId, reason: reason ?? "its caller asked" })),
    {
      validator: (message) => {
        requireShape("cancel", message);
      },
    },
  );
  setHandler(addRecurringUpdate, (message) => life.update(() => onAddRecurring(agent, message)), {
    validator: (message: AddRecurringMessage) => {
      requireShape("addRecurring", message);
      life.catchUp();
      refuse(addRecurringFailure(agent, message));
      refuse(recurringSecretFailure(agent, message));
    },
  });
  setHandler(
    removeRecurringUpdate,
    (message) => life.update(() => onRemoveRecurring(agent, message)),
    {
      validator: (message) => {
        requireShape("removeRecurring", message);
      },
    },
  );
  setHandler(configureUpdate, (message) => life.update(() => onConfigure(agent, message)), {
    validator: (message) => {
      requireShape("configure", message);
    },
  });
  for (const verb of operatorVerbs) {
    setHandler(
      operatorUpdates[verb],
      (message?: EnterMaintenanceMessage) => life.update(() => onVerb(agent, verb, message ?? {})),
      {
        validator: (message?: EnterMaintenanceMessage) => {
          requireShape(verb === "enterMaintenance" ? verb : "operator", message);
          life.catchUp();
          refuse(verbFailure(agent, verb));
        },
      },
    );
  }
}

/** As callers in other languages may write it, with what they left out. */
function whole(message: BareAdmitMessage): AdmitMessage {
  // Known in handlers and validators of Updates, and only they read such a message.
  return readAdmit(message, currentUpdateInfo()?.id ?? "");
}

function requireShape(name: keyof typeof shapes, message: unknown): void {
  const reason = shapes[name](message, name);
  if (reason === undefined) return;
  const type: AdmitRefusal = "INVALID_REQUEST";
  throw ApplicationFailure.create({ type, message: reason, nonRetryable: true });
}

function refuse(failure: ApplicationFailure | undefined): void {
  if (failure !== undefined) throw failure;
}
