/** What entering maintenance would do, and what blocks it. Changes nothing. */
import { randomUUID } from "node:crypto";
import type { EvacuationPolicy } from "../../api/index.ts";
import { listDestinations, listMaintenanceSlots } from "../../db/index.ts";
import { cannotSpare } from "../../lifecycle/evacuation-answers.ts";
import { readVmList, type VmList } from "../../lifecycle/evacuation-list.ts";
import { planEvacuation, type PlannedVm } from "../../lifecycle/evacuation-plan.ts";
import { acceptedEvents, nextResourceState } from "../../lifecycle/resource-state-table.ts";
import type { AgentView } from "../../workflows/agent-messages.ts";
import { RequestRefusedError } from "../errors.ts";
import type { MaintenancePlan } from "./maintenance-schemas.ts";
import type { ApiParts } from "./parts.ts";

type Blocker = MaintenancePlan["blockers"][number];

/** What an operator would ask for, the fleet's defaults filled in. */
export interface MaintenanceOrder {
  readonly policy: EvacuationPolicy;
  readonly deadlineSeconds: number;
}

/**
 * Asks the agent over the direct lane what runs on its host, and Postgres who takes machines.
 * @throws ApiError; RequestRefusedError AGENT_ELSEWHERE with the gateway to ask.
 */
export async function planMaintenance(
  parts: ApiParts,
  agentId: string,
  { policy, deadlineSeconds }: MaintenanceOrder,
): Promise<MaintenancePlan> {
  const view = await parts.lifecycle.state(agentId);
  const { status, resourceState } = view;
  const blockers: Blocker[] = stateBlockers(view);
  const plan = { dryRun: true, agentId, status, resourceState, policy, deadlineSeconds } as const;
  if (status === "Down" || resourceState === "Degraded" || view.host === undefined) {
    return { ...plan, blockers, vms: [] };
  }
  const { zone, cluster } = view.host;
  const place = { agentId, zone, cluster };
  const [heldBy, destinations, list] = await Promise.all([
    placesTaken(parts, view, place),
    listDestinations(parts.db, place),
    listVms(parts, view),
  ]);
  if (heldBy !== undefined) {
    blockers.push({ code: "MAINTENANCE_SLOT_TAKEN", detail: cannotSpare(heldBy) });
  }
  if ("blocker" in list) return { ...plan, blockers: [...blockers, list.blocker], vms: [] };
  const vms = planEvacuation(policy, list.vms, destinations);
  return { ...plan, blockers: [...blockers, ...stuck(vms)], vms: vms.map(plannedVm) };
}

/**
 * The hosts that keep another one of the cluster from being prepared; undefined when none do, or this host needs no
 * place. The lifecycle's own claim decides; this look only says no in time.
 */
export async function placesTaken(
  { config, db }: Pick<ApiParts, "config" | "db">,
  { status, resourceState }: Pick<AgentView, "status" | "resourceState">,
  place: { readonly agentId: string; readonly zone: string; readonly cluster: string },
): Promise<readonly string[] | undefined> {
  const needsPlace =
    status !== "Down" && (resourceState === "Enabled" || resourceState === "ErrorInMaintenance");
  if (!needsPlace || config.maintenancePerCluster === 0) return undefined;
  const heldBy = await listMaintenanceSlots(db, place);
  return heldBy.length >= config.maintenancePerCluster ? heldBy : undefined;
}

function stateBlockers({ resourceState }: AgentView): Blocker[] {
  const may =
    resourceState === "ErrorInPrepareForMaintenance" ||
    nextResourceState(resourceState, "AdminAskMaintenance") !== undefined;
  if (may) return [];
  const detail = `The resource is ${resourceState}, which takes only ${acceptedEvents(resourceState).join(", ")}.`;
  return [{ code: "RESOURCE_STATE", detail }];
}

async function listVms(
  { lanes }: ApiParts,
  view: AgentView,
): Promise<Extract<VmList, { vms: unknown }> | { readonly blocker: Blocker }> {
  const resources = view.host?.resources.map(({ name }) => name) ?? [];
  const commands = resources.map((resource) => ({ type: "ListVms", id: randomUUID(), resource }));
  try {
    const request = { requestId: randomUUID(), commands, onError: "continue" } as const;
    const list = readVmList(resources, await lanes.sendDirect(view.agentId, request));
    return "vms" in list ? list : { blocker: { code: "LIST_FAILED", detail: list.problem } };
  } catch (error) {
    if (!(error instanceof RequestRefusedError) || error.code !== "AGENT_NOT_CONNECTED")
      throw error;
    const detail = `The agent is ${view.status}: what runs on its host can't be asked, and Commands would wait for it.`;
    return { blocker: { code: "AGENT_NOT_CONNECTED", detail } };
  }
}

/** Machines that would stay where they are. */
function stuck(vms: readonly PlannedVm[]): readonly Blocker[] {
  const staying = vms.filter(({ way }) => way.type === "none");
  const why = staying[0]?.way;
  if (why?.type !== "none") return [];
  const detail = `${staying.length} of ${vms.length} machines would stay: ${why.why}.`;
  return [{ code: "NOBODY_TAKES", detail }];
}

function plannedVm({ vm, resource, way }: PlannedVm): MaintenancePlan["vms"][number] {
  const base = { vm, resource, action: way.type };
  if (way.type === "migrate") return { ...base, destination: way.destination.agentId };
  return way.type === "none" ? { ...base, detail: way.why } : base;
}
