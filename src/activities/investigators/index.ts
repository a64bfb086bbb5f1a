/** The Investigators that workers run. `agent` runs in the gateway that holds the socket, `neighbour` in those of others. */
import type { Investigator } from "../../api/index.ts";
import { investigatorActivityType } from "../../lifecycle/investigator-catalogue.ts";
import type { Log } from "../../telemetry/log.ts";
import { asActivity, type InvestigatorActivity } from "./as-activity.ts";
import { BmcFile, BmcFileError } from "./bmc-file.ts";
import { createKvm } from "./kvm.ts";
import { createPing } from "./ping.ts";
import { createRedfish } from "./redfish.ts";
import { createSimulator } from "./simulator.ts";

/** What the shipped ones go by. */
export interface InvestigatorSettings {
  readonly kvmInvestigatorUri: string | undefined;
  readonly bmcFile: string | undefined;
  readonly simulatorWorlds: readonly string[];
}

/** The Investigators of this release that a worker runs. A BMC file that can't be used is said at once, and asked again later. */
export async function createShipped(
  settings: InvestigatorSettings,
  log: Log,
): Promise<readonly Investigator[]> {
  const bmcs = settings.bmcFile === undefined ? undefined : new BmcFile(settings.bmcFile);
  try {
    if (bmcs !== undefined) log.info({ bmcs: await bmcs.count() }, "BMC file read");
  } catch (error) {
    if (!(error instanceof BmcFileError)) throw error;
    log.error({ code: error.code }, `Investigator redfish can't ask anybody: ${error.message}`);
  }
  return [
    createPing(),
    createKvm(settings.kvmInvestigatorUri),
    createRedfish(bmcs),
    createSimulator(settings.simulatorWorlds),
  ];
}

/** One activity for each Investigator, by its type. */
export function investigatorActivities(
  investigators: readonly Investigator[],
  log: Log,
): Readonly<Record<string, InvestigatorActivity>> {
  return Object.fromEntries(
    investigators.map((one) => [investigatorActivityType(one.name), asActivity(one, log)]),
  );
}
