/** The shape of each message of `agent-messages.ts`, as far as the lifecycle relies on it. */
import { evacuationPolicies, shutdownReasons } from "../../api/index.ts";
import { investigatorNamePattern } from "../../lifecycle/investigator-catalogue.ts";
import { recurringLimits } from "../../lifecycle/recurring-types.ts";
import {
  flag,
  isObject,
  listOf,
  number,
  object,
  oneOf,
  optional,
  tagged,
  text,
  whole,
  type Check,
} from "./checks.ts";

const dayMs = 86_400_000;
const idCharsMax = 200;
const factsMax = 100;
const id = text(1, idCharsMax);
const gateway = object({ gatewayId: id, incarnation: id });
const durationMs = number(0, 400 * dayMs);

/** What an operator may set for one agent: the same bounds as the fleet's settings have. */
const pingIntervalMs = number(100, dayMs);
const pingTimeoutMultiplier = number(1.1, 100);

const traits: Check = (value, path) => {
  if (!isObject(value)) return `${path} must be an object`;
  for (const [type, entry] of Object.entries(value)) {
    const wrong = object({
      inSequence: flag,
      idempotent: flag,
      readOnly: flag,
      needsNewResources: flag,
      evacuation: flag,
      check: flag,
      waitSeconds: number(0, 864_000),
      secretFields: optional(listOf(text(1, 1_000), 0, 1_000)),
    })(entry, `${path}.${type}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
};

const facts: Check = (value, path) => {
  if (!isObject(value)) return `${path} must be an object`;
  const entries = Object.entries(value);
  if (entries.length > factsMax) return `${path} may have ${factsMax} entries`;
  const wrong = entries.find(([, fact]) => !["string", "number", "boolean"].includes(typeof fact));
  return wrong && `${path}.${wrong[0]} must be a string, a number, true or false`;
};

const investigator = object({
  name: (value, path) =>
    typeof value === "string" && investigatorNamePattern.test(value)
      ? undefined
      : `${path} must be the name of an Investigator`,
  timeoutMs: number(100, 600_000),
});

const onError = oneOf(["stop", "continue"]);
const waitSeconds = optional(number(0.001, 864_000));

const schedule: Check = (value, path) => {
  if (!isObject(value) || (value["cron"] == null) === (value["everySeconds"] == null)) {
    return `${path} must have either cron or everySeconds`;
  }
  return object({
    cron: optional(text(1, 200)),
    timezone: optional(id),
    everySeconds: optional(number(1, Number.MAX_SAFE_INTEGER)),
  })(value, path);
};

const answers = listOf(object({ type: id, commandId: id, result: flag }), 1, 1_000);

export const shapes = {
  connected: object({
    epoch: whole(1),
    gateway,
    host: object({
      zone: id,
      cluster: id,
      resourceType: id,
      software: text(0, 500),
      facts: optional(facts),
      resources: listOf(object({ name: id }), 0, 1_000),
      migrateTo: optional(text(1, 1_024)),
      commandTypes: optional(traits),
    }),
    settings: object({
      pingIntervalMs,
      pingTimeoutMultiplier,
      reconnectGraceMs: durationMs,
      alertWaitMs: durationMs,
      investigateRetryMs: number(1, 400 * dayMs),
      investigators: optional(listOf(investigator, 0, 50)),
      neighboursAsked: optional(number(1, 20)),
      evacuationPolicy: optional(oneOf(evacuationPolicies)),
      maintenanceDeadlineMs: optional(durationMs),
      maintenancePerCluster: optional(whole()),
    }),
    vouchForMs: optional(durationMs),
  }),
  ping: object({
    epoch: whole(),
    lastPingAgoMs: durationMs,
    vouchForMs: durationMs,
    unhealthy: optional(text(0, 100_000)),
  }),
  answer: object({ seq: whole(), answers, gateway }),
  progress: object({ seq: whole(), answers }),
  undelivered: object({
    epoch: whole(),
    seqs: listOf(whole(), 0, 10_000),
    reason: text(0, 100_000),
  }),
  disconnect: object({
    epoch: whole(),
    cause: tagged({
      goodbye: { reason: oneOf(shutdownReasons), details: optional(text(0, 100_000)) },
      socketLost: { details: text(0, 100_000) },
      pingTimeout: { silentForMs: durationMs },
      handshakeFailed: { details: text(0, 100_000), retryable: flag },
      reconnectAsked: { by: text() },
    }),
  }),
  refused: object({ code: id, details: text(0, 100_000), retryable: flag }),
  gatewayLost: object({ gateway, reason: text(0, 100_000) }),
  admit: object({
    requestId: optional(id),
    commands: listOf(object({ type: id, id: optional(id), resource: optional(id) }), 1, 100),
    onError: optional(onError),
    waitSeconds,
    via: optional(object({ gatewayId: id, incarnation: id, epoch: whole() })),
    replyTo: optional(
      tagged({ workflow: { workflowId: text(1, 1_000), signal: id }, gateway: { gatewayId: id } }),
    ),
    progress: optional(flag),
    repeatAgoMs: optional(number(0, Number.MAX_SAFE_INTEGER)),
    refuseInClear: optional(flag),
  }),
  cancel: object({ requestId: id, reason: optional(text(0, 1_000)) }),
  addRecurring: object({
    name: text(1, recurringLimits.nameCharsMax),
    commands: listOf(
      object({ type: id, resource: optional(id) }),
      1,
      recurringLimits.commandsInOne,
    ),
    schedule,
    onError: optional(onError),
    waitSeconds,
    by: optional(text()),
  }),
  removeRecurring: object({ name: text(1, recurringLimits.nameCharsMax), by: optional(text()) }),
  operator: optional(object({ by: optional(text()), reason: optional(text()) })),
  enterMaintenance: optional(
    object({
      by: optional(text()),
      reason: optional(text()),
      policy: optional(oneOf(evacuationPolicies)),
      deadlineMs: optional(number(1_000, 7 * dayMs)),
    }),
  ),
  configure: object({
    by: optional(text()),
    reason: optional(text()),
    pingIntervalMs: optional(pingIntervalMs),
    pingTimeoutMultiplier: optional(pingTimeoutMultiplier),
  }),
} as const satisfies Readonly<Record<string, Check>>;
