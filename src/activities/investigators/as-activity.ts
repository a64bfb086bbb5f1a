/** An Investigator as the activity that lifecycles ask it by. */
import { Context } from "@temporalio/activity";
import type { Investigator, LostHost } from "../../api/index.ts";
import { readFinding, unknownFinding } from "../../lifecycle/finding.ts";
import type { InvestigatorFinding } from "../../lifecycle/disconnect-types.ts";
import type { Log } from "../../telemetry/log.ts";
import type { InvestigateArgs } from "../../workflows/activity-types.ts";

export type InvestigatorActivity = (args: InvestigateArgs) => Promise<InvestigatorFinding>;

/** For a question of a lifecycle that names no time. */
const timeoutMsDefault = 5_000;
/** From the end of its time to the end of patience: it may still say what it saw. */
const graceMs = 1_000;
/** How often the worker says that it lives; Temporal answers with whether anybody still wants to know. */
const heartbeatMs = 1_000;

/** Never fails: what an Investigator can't say, or says wrongly, is Unknown with the reason. */
export function asActivity(investigator: Investigator, log: Log): InvestigatorActivity {
  return async (args) => {
    const context = Context.current();
    const beat = () => {
      context.heartbeat(investigator.summary);
    };
    beat();
    const beating = setInterval(beat, heartbeatMs);
    const startedMs = performance.now();
    try {
      const finding = await ask(investigator, args, context.cancellationSignal, log);
      const tookMs = Math.round(performance.now() - startedMs);
      log.debug({ agentId: args.agentId, epoch: args.epoch, ...finding, tookMs }, "host looked at");
      return finding;
    } finally {
      clearInterval(beating);
    }
  };
}

async function ask(
  investigator: Investigator,
  args: InvestigateArgs,
  cancelled: AbortSignal,
  log: Log,
): Promise<InvestigatorFinding> {
  const { name } = investigator;
  const { timeoutMs = timeoutMsDefault } = args;
  const ending = new AbortController();
  const timer = setTimeout(() => {
    ending.abort(new Error(`the ${timeoutMs} ms for it are over`));
  }, timeoutMs);
  const signal = AbortSignal.any([cancelled, ending.signal]);
  const impatience = afterAbort(signal, graceMs);
  try {
    // Foreign code: it may throw before it returns a promise.
    const asked = Promise.resolve().then(() =>
      investigator.investigate(lostHostOf(args), { signal, timeoutMs }),
    );
    const answer: unknown = await Promise.race([asked, impatience.over]);
    if (answer !== stillAsking) return readFinding(name, answer);
    if (!cancelled.aborted) {
      log.warn({ investigator: name, agentId: args.agentId, timeoutMs }, "Investigator hangs");
    }
    return unknownFinding(
      name,
      `Investigator ${name} gave no answer within ${timeoutMs} ms, and did not end when told to.`,
    );
  } catch (error) {
    log.warn({ investigator: name, agentId: args.agentId, err: error }, "Investigator failed");
    const why = error instanceof Error ? error.message : String(error);
    return unknownFinding(name, `Investigator ${name} failed: ${why}.`);
  } finally {
    clearTimeout(timer);
    impatience.cancel();
  }
}

const stillAsking = Symbol("still asking");

/** Resolves `ms` after the signal aborts; `cancel` lets go of signal and timer. */
function afterAbort(
  signal: AbortSignal,
  ms: number,
): { readonly over: Promise<typeof stillAsking>; readonly cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const over = new Promise<typeof stillAsking>((resolve) => {
    onAbort = () => {
      timer = setTimeout(() => {
        resolve(stillAsking);
      }, ms);
    };
  });
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return {
    over,
    cancel: () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    },
  };
}

/** What Investigators are told of a host: no more than its agent said that is of use to them. */
function lostHostOf({ agentId, host }: InvestigateArgs): LostHost {
  const { zone, cluster, resourceType, address, probePorts, facts } = host;
  return {
    agentId,
    zone,
    cluster,
    resourceType,
    ...(address !== undefined && { address }),
    ...(probePorts !== undefined && { probePorts }),
    ...(facts !== undefined && { facts }),
  };
}
