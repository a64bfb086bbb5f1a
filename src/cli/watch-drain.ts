/** Follows a gateway that is being emptied. Stopping to look changes nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import { pathPart, type ApiClient } from "./api/client.ts";
import { ApiUnreachableError } from "./api/errors.ts";
import type { DrainJson } from "./api/types.ts";
import { ChangingLine } from "./changing-line.ts";
import type { CliContext } from "./context.ts";
import { DrainFailedError } from "./errors.ts";
import type { JsonOption } from "./ready-line.ts";
import { drainBar, drainLine } from "./text/drain.ts";

const lookEveryMs = 500;

/**
 * Looks until the gateway is empty, or the operator has seen enough (Ctrl-C): the drain goes on without.
 * @throws DrainFailedError when it ends in another way; ApiRefusedError.
 */
export async function watchDrain(
  context: CliContext,
  api: ApiClient,
  gatewayId: string,
  { json }: JsonOption,
): Promise<void> {
  const signal = context.stopSignal();
  const screen = new ChangingLine(context, json === true);
  while (!isOver(signal)) {
    const drain = await look(api, gatewayId, signal, (why) => {
      screen.complain(why);
    });
    if (drain !== undefined) {
      const line = `${gatewayId}  ${drainLine(drain)}`;
      screen.show({ json: drain, bar: drainBar(drain, context.width), line });
      if (drain.state === "drained") {
        screen.end(`${gatewayId} is empty: it may be stopped`);
        return;
      }
      if (drain.state === "cancelled" || drain.state === "gone") {
        screen.end();
        throw new DrainFailedError(`${gatewayId}: the drain is over, ${drainLine(drain)}`);
      }
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
  }
  screen.end(
    `detached: the drain goes on. Look again with \`muster drain ${gatewayId} --monitor\`, end it with \`muster drain ${gatewayId} --cancel\``,
  );
}

/** Undefined when the manager could not be asked just now. */
async function look(
  api: ApiClient,
  gatewayId: string,
  signal: AbortSignal,
  onBroken: (why: string) => void,
): Promise<DrainJson | undefined> {
  try {
    return await api.call<DrainJson>("GET", `gateways/${pathPart(gatewayId)}/drain`, { signal });
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
