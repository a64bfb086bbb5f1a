/** Follows a host into maintenance: a bar on a terminal, plain lines elsewhere. Stopping to look changes nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import { pathPart, type ApiClient } from "./api/client.ts";
import { ApiUnreachableError } from "./api/errors.ts";
import type { AgentDetails, EvacuationProgress } from "./api/types.ts";
import { ChangingLine } from "./changing-line.ts";
import type { CliContext } from "./context.ts";
import { MaintenanceFailedError } from "./errors.ts";
import type { JsonOption } from "./ready-line.ts";
import { evacuationBar, evacuationLine } from "./text/evacuation.ts";

const lookEveryMs = 500;

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
  while (!isOver(signal)) {
    const agent = await look(api, id, signal, (why) => {
      screen.complain(why);
    });
    const now = agent?.lifecycle ?? undefined;
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
    } else if (agent?.status === "Removed") {
      screen.end();
      throw new MaintenanceFailedError(`${id} was removed.`);
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
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

/** Undefined when the manager could not be asked just now. */
async function look(
  api: ApiClient,
  id: string,
  signal: AbortSignal,
  onBroken: (why: string) => void,
): Promise<AgentDetails | undefined> {
  try {
    return await api.call<AgentDetails>("GET", `agents/${pathPart(id)}`, { signal });
  } catch (error) {
    if (isOver(signal)) return undefined;
    if (!(error instanceof ApiUnreachableError)) throw error;
    onBroken(error.message);
    return undefined;
  }
}

/** Asked anew after each wait: the compiler believes that a signal does not change. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
