/** Follows a gateway that is being emptied. Stopping to look changes nothing. */
import { pathPart, type ApiClient } from "./api/client.ts";
import type { DrainJson } from "./api/types.ts";
import { ChangingLine } from "./changing-line.ts";
import type { CliContext } from "./context.ts";
import { DrainFailedError } from "./errors.ts";
import { keepLooking } from "./keep-looking.ts";
import type { JsonOption } from "./ready-line.ts";
import { drainBar, drainLine } from "./text/drain.ts";

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
  const path = `gateways/${pathPart(gatewayId)}/drain`;
  const looks = keepLooking<DrainJson>(api, path, signal, (why) => {
    screen.complain(why);
  });
  for await (const drain of looks) {
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
  screen.end(
    `detached: the drain goes on. Look again with \`muster drain ${gatewayId} --monitor\`, end it with \`muster drain ${gatewayId} --cancel\``,
  );
}
