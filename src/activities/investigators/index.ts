/** The Investigators that workers run; Investigator `agent` runs in the gateway that holds the socket. */
import { Context } from "@temporalio/activity";
import type { Log } from "../../telemetry/log.ts";
import type { WorkerActivities } from "../../workflows/activity-types.ts";
import { investigateByPing } from "./ping.ts";

export type InvestigatorActivities = Pick<WorkerActivities, "investigateByPing">;

/** Well below the activity's own limit, so that its evidence arrives and not a time-out. */
const pingTimeoutMs = 5_000;

export function createInvestigators(deps: { readonly log: Log }): InvestigatorActivities {
  return {
    async investigateByPing(args) {
      const finding = await investigateByPing(args, {
        signal: Context.current().cancellationSignal,
        timeoutMs: pingTimeoutMs,
      });
      deps.log.debug({ agentId: args.agentId, epoch: args.epoch, ...finding }, "asked the host");
      return finding;
    },
  };
}
