/**
 * The doors of an agent's lifecycle. Signals are checked and put into the inbox; none can fail the workflow. Updates are
 * refused by validators where they can be, which leaves no trace in the history.
 */
import { ApplicationFailure } from "@temporalio/common";
import { setDefaultSignalHandler, setHandler } from "@temporalio/workflow";
import {
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
  refusedSignal,
  requestQuery,
  stateQuery,
  undeliveredSignal,
} from "../agent-messages.ts";
import type {
  AdmitMessage,
  AdmitRefusal,
  AnswerMessage,
  ConnectedMessage,
  DisconnectMessage,
  EnterMaintenanceMessage,
  GatewayLostMessage,
  PingMessage,
  RefusedMessage,
  UndeliveredMessage,
} from "../agent-messages.ts";
import type { Life } from "./life.ts";
import { onConfigure, onVerb, verbFailure } from "./operator-verbs.ts";
import { admitFailure, onAdmit, onCancel } from "./requests.ts";
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
  setHandler(pendingQuery, () => pendingOf(state));
  setHandler(requestQuery, (requestId) => requestOf(state, requestId));
}

function setSignalHandlers(life: Life): void {
  /** Puts a message into the inbox if it has the shape that its type promises. */
  const checked =
    <T>(name: keyof typeof shapes, put: (message: T) => void) =>
    (message: T) => {
      const reason = shapes[name](message, name);
      if (reason === undefined) put(message);
      else life.put({ type: "unreadable", signal: name, reason });
    };
  setHandler(
    connectedSignal,
    checked<ConnectedMessage>("connected", (message) => {
      life.put({ type: "connected", message });
    }),
  );
  setHandler(
    pingSignal,
    checked<PingMessage>("ping", (message) => {
      life.put({ type: "ping", message });
    }),
  );
  setHandler(
    answerSignal,
    checked<AnswerMessage>("answer", (message) => {
      life.put({ type: "answer", message });
    }),
  );
  setHandler(
    undeliveredSignal,
    checked<UndeliveredMessage>("undelivered", (message) => {
      life.put({ type: "undelivered", message });
    }),
  );
  setHandler(
    disconnectSignal,
    checked<DisconnectMessage>("disconnect", (message) => {
      life.put({ type: "disconnect", message });
    }),
  );
  setHandler(
    refusedSignal,
    checked<RefusedMessage>("refused", (message) => {
      life.put({ type: "refused", message });
    }),
  );
  setHandler(
    gatewayLostSignal,
    checked<GatewayLostMessage>("gatewayLost", (message) => {
      life.put({ type: "gatewayLost", message });
    }),
  );
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
  setHandler(admitUpdate, (message) => life.update(() => onAdmit(agent, message)), {
    validator: (message: AdmitMessage) => {
      requireShape("admit", message);
      life.catchUp();
      refuse(admitFailure(agent, message));
      refuse(secretsInClear(agent, message));
    },
  });
  setHandler(cancelUpdate, (message) => life.update(() => onCancel(agent, message)), {
    validator: (message) => {
      requireShape("cancel", message);
    },
  });
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

function requireShape(name: keyof typeof shapes, message: unknown): void {
  const reason = shapes[name](message, name);
  if (reason === undefined) return;
  const type: AdmitRefusal = "INVALID_REQUEST";
  throw ApplicationFailure.create({ type, message: reason, nonRetryable: true });
}

function refuse(failure: ApplicationFailure | undefined): void {
  if (failure !== undefined) throw failure;
}
