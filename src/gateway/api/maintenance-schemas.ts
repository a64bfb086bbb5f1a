/** Shapes of entering maintenance, for real and as a dry run. */
import { Type, type Static } from "typebox";
import { evacuationPolicies, resourceStates, statuses } from "../../api/index.ts";
import { operatorFields, verbResult } from "./schemas.ts";

export const maintenanceBody = Type.Union([
  Type.Object(
    {
      ...operatorFields,
      policy: Type.Optional(
        Type.Enum(evacuationPolicies, {
          description:
            "What becomes of the machines on the host. Default: MUSTER_EVACUATION_POLICY.",
        }),
      ),
      deadlineSeconds: Type.Optional(
        Type.Number({
          minimum: 1,
          maximum: 604_800,
          description:
            "How long emptying the host may take. Default: MUSTER_MAINTENANCE_DEADLINE_MS.",
        }),
      ),
      dryRun: Type.Optional(
        Type.Boolean({
          description: "true: says what would be done and what blocks; changes nothing.",
        }),
      ),
    },
    { additionalProperties: false },
  ),
  Type.Null(),
]);

const maintenancePlan = Type.Object({
  dryRun: Type.Literal(true),
  agentId: Type.String(),
  status: Type.Enum(statuses),
  resourceState: Type.Enum(resourceStates),
  policy: Type.Enum(evacuationPolicies),
  deadlineSeconds: Type.Number(),
  blockers: Type.Array(
    Type.Object({
      code: Type.Enum([
        ...(["RESOURCE_STATE", "MAINTENANCE_SLOT_TAKEN", "AGENT_NOT_CONNECTED"] as const),
        ...(["LIST_FAILED", "NOBODY_TAKES"] as const),
      ]),
      detail: Type.String(),
    }),
    { description: "What keeps the host from being emptied now; empty when nothing does." },
  ),
  vms: Type.Array(
    Type.Object({
      vm: Type.String(),
      resource: Type.String(),
      action: Type.Enum(["migrate", "stop", "none"]),
      destination: Type.Optional(Type.String({ description: "Agent id of the host to take it." })),
      detail: Type.Optional(Type.String()),
    }),
    {
      description: "Each running machine, and its way if every host took what it is asked to take.",
    },
  ),
});
export type MaintenancePlan = Static<typeof maintenancePlan>;

export const maintenanceResult = Type.Union([verbResult, maintenancePlan]);
