/** Entering maintenance: the verb with what it takes beside the others, and its dry run. */
import { findAgent } from "../../db/index.ts";
import { cannotSpare } from "../../lifecycle/evacuation-answers.ts";
import { ApiError } from "./errors.ts";
import { placesTaken, planMaintenance } from "./maintenance-plan.ts";
import { maintenanceBody, maintenanceResult } from "./maintenance-schemas.ts";
import type { ApiParts } from "./parts.ts";
import { agentParams, responses, verbHeaders } from "./schemas.ts";
import type { Api } from "./validation.ts";
import { keyOf } from "./verbs-routes.ts";

export function maintenanceRoutes(api: Api, parts: ApiParts): void {
  const { config, lifecycle } = parts;
  api.post(
    "/agents/:id/maintenance",
    {
      schema: {
        tags: ["operators"],
        summary: "Empty the host and take it out of service",
        description:
          "Answers at once with what was begun; `lifecycle.maintenance` of the agent says how far it is. Asked again in " +
          "an Error state it tries anew. With `dryRun`: what would move where and what blocks; nothing changes.",
        params: agentParams,
        headers: verbHeaders,
        body: maintenanceBody,
        response: responses(maintenanceResult, "What was begun, or with `dryRun` the plan."),
      },
    },
    async (request) => {
      const { id } = request.params;
      const { dryRun = false, policy, deadlineSeconds, ...message } = request.body ?? {};
      if (dryRun) {
        return await planMaintenance(parts, id, {
          policy: policy ?? config.evacuationPolicy,
          deadlineSeconds: deadlineSeconds ?? config.maintenanceDeadlineMs / 1_000,
        });
      }
      await refuseWithoutPlace(parts, id);
      const order = {
        ...message,
        ...(policy !== undefined && { policy }),
        ...(deadlineSeconds !== undefined && { deadlineMs: Math.round(deadlineSeconds * 1_000) }),
      };
      return await lifecycle.verb(id, "enterMaintenance", order, keyOf(request));
    },
  );
}

/** @throws ApiError MAINTENANCE_SLOT_TAKEN naming the hosts that are being prepared. */
async function refuseWithoutPlace(parts: ApiParts, agentId: string): Promise<void> {
  const row = await findAgent(parts.db, agentId);
  // The lifecycle says better why it is not there.
  if (row === undefined) return;
  const { zone, cluster } = row;
  const heldBy = await placesTaken(parts, row, { agentId, zone, cluster });
  if (heldBy !== undefined) throw new ApiError("MAINTENANCE_SLOT_TAKEN", cannotSpare(heldBy));
}
