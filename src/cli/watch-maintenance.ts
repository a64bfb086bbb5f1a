/** Follows a host into maintenance: a bar on a terminal, plain lines elsewhere. Stopping to look changes nothing. */
import { pathPart, type ApiClient } from "./api/client.ts";
import type { AgentDetails, EvacuationProgress } from "./api/types.ts";
import { ChangingLine } from "./changing-line.ts";
import type { CliContext } from "./context.ts";
import { MaintenanceFailedError } from "./errors.ts";
import { keepLooking } from "./keep-looking.ts";
import type { JsonOption } from "./ready-line.ts";
import { evacuationBar, evacuationLine } from "./text/evacuation.ts";

/**
 * Looks until the host is in Maintenance, or the operator has seen enough (Ctrl-C): the evacuation goes on without.
 * @throws MaintenanceFailedError when the host ends anywhere else; ApiRefusedError.
 */
export async function watchMaintenance(
  context: CliContext,
  api: ApiClient,
  id: string,
  { json }: JsonOption,
): Promise<void> {
  const signal = context.stopSignal();
  const screen = new ChangingLine(context, json === true);
  const looks = keepLooking<AgentDetails>(api, `agents/${pathPart(id)}`, signal, (why) => {
    screen.complain(why);
  });
  for await (const agent of looks) {
    const now = agent.lifecycle ?? undefined;
    if (now !== undefined) {
      show(screen, context, id, now);
      if (now.resourceState === "Maintenance") {
        screen.end(`${id} is in Maintenance`);
        return;
      }
      if (!isOnItsWay(now.resourceState)) {
        screen.end();
        throw notEntered(id, now.resourceState, now.maintenance);
      }
    } else if (agent.status === "Removed") {
      screen.end();
      throw new MaintenanceFailedError(`${id} was removed.`);
    }
  }
  screen.end(
    `detached: the evacuation goes on. Look again with \`muster maintenance watch ${id}\`, end it with \`muster maintenance cancel ${id}\``,
  );
}

function show(
  screen: ChangingLine,
  { width }: CliContext,
  id: string,
  { resourceState, maintenance }: NonNullable<AgentDetails["lifecycle"]>,
): void {
  if (maintenance === undefined) return;
  screen.show({
    json: { agentId: id, resourceState, maintenance },
    bar: evacuationBar(id, maintenance, width),
    line: `${id}  ${resourceState}  ${evacuationLine(maintenance)}`,
  });
}

function isOnItsWay(state: string): boolean {
  return state === "PrepareForMaintenance" || state === "ErrorInPrepareForMaintenance";
}

function notEntered(
  id: string,
  state: string,
  progress: EvacuationProgress | undefined,
): MaintenanceFailedError {
  const failed = (progress?.failed ?? []).map(({ vm, reason }) => `\n  ${vm}: ${reason}`).join("");
  const why = progress?.outcome === undefined ? "" : `: ${progress.outcome}`;
  return new MaintenanceFailedError(`${id} is ${state}, not in Maintenance${why}${failed}`);
}
