/** Follows a host into maintenance: a bar on a terminal, plain lines elsewhere. Stopping to look changes nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import { pathPart, type ApiClient } from "./api/client.ts";
import { ApiUnreachableError } from "./api/errors.ts";
import type { AgentDetails, EvacuationProgress } from "./api/types.ts";
import type { CliContext } from "./context.ts";
import { MaintenanceFailedError } from "./errors.ts";
import type { JsonOption } from "./ready-line.ts";
import { evacuationBar, evacuationLine } from "./text/evacuation.ts";
import { plain } from "./text/plain.ts";
import { stampOf } from "./text/times.ts";

const lookEveryMs = 500;
const eraseLine = "\r\u001B[K";

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
  const screen = new Screen(context, id, json === true);
  while (!isOver(signal)) {
    const agent = await look(api, id, signal, (why) => {
      screen.complain(why);
    });
    const now = agent?.lifecycle ?? undefined;
    if (now !== undefined) {
      screen.show(now.resourceState, now.maintenance);
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

/** Shows each change once. */
class Screen {
  readonly #context: CliContext;
  readonly #id: string;
  readonly #json: boolean;
  #shown = "";
  #barIsOpen = false;
  #complained = "";

  constructor(context: CliContext, id: string, json: boolean) {
    this.#context = context;
    this.#id = id;
    this.#json = json;
  }

  show(resourceState: string, maintenance: EvacuationProgress | undefined): void {
    const { terminal, width, print, now } = this.#context;
    this.#complained = "";
    const key = JSON.stringify([resourceState, maintenance]);
    if (key === this.#shown) return;
    this.#shown = key;
    if (this.#json) {
      print(`${JSON.stringify({ agentId: this.#id, resourceState, maintenance })}\n`);
    } else if (maintenance === undefined) {
      return;
    } else if (terminal) {
      print(`${eraseLine}${evacuationBar(this.#id, maintenance, width)}`);
      this.#barIsOpen = true;
    } else {
      const line = plain(`${this.#id}  ${resourceState}  ${evacuationLine(maintenance)}`);
      print(`${stampOf(new Date(now()))}  ${line}\n`);
    }
  }

  /** Says once that the manager is away. */
  complain(why: string): void {
    if (why === this.#complained) return;
    this.#complained = why;
    this.#closeBar();
    this.#context.complain(`muster: ${plain(why)} Trying again.\n`);
  }

  /** The last word; JSON has said all by itself. */
  end(words?: string): void {
    this.#closeBar();
    if (words !== undefined && !this.#json) this.#context.print(`${words}\n`);
  }

  #closeBar(): void {
    if (this.#barIsOpen) this.#context.print("\n");
    this.#barIsOpen = false;
  }
}

/** Asked anew after each wait: the compiler believes that a signal does not change. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
