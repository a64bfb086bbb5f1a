import type { Command } from "commander";
import { addConnectOptions, connectOptions, type ConnectCliOptions } from "../connect-options.ts";
import type { CliContext } from "../context.ts";
import type { Bounds } from "../../agent/options.ts";
import type { HostShare, ZoneLoss } from "../../agent/rehearsal/plan.ts";
import { bounds, moment, shareAt, wholeNumber } from "../option-values.ts";
import { processLog } from "../process-log.ts";
import { jsonOption, printReady, type JsonOption } from "../ready-line.ts";
import { parseConfig } from "../resource-options.ts";
import { simNewsText } from "../text/sim-news.ts";

interface SimCliOptions extends ConnectCliOptions, JsonOption {
  readonly agents: number;
  readonly prefix?: string;
  readonly zones?: number;
  readonly clusters?: number;
  readonly rate?: number;
  readonly processes?: number;
  readonly worldPort?: number;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  readonly vms?: Bounds;
  readonly latency?: Bounds;
  readonly lose?: readonly ZoneLoss[];
  readonly kill?: HostShare;
  readonly flap?: HostShare;
}

export function addSimCommand(program: Command, context: CliContext): void {
  const command = program
    .command("sim")
    .description("run many simulated hosts")
    .requiredOption("--agents <n>", "how many", wholeNumber(1, 100_000))
    .option("--prefix <text>", 'their ids begin so (default: "sim")')
    .option("--zones <n>", "spread them over so many zones", wholeNumber(1, 1_000))
    .option("--clusters <n>", "and so many clusters in each zone", wholeNumber(1, 1_000))
    .option("--rate <n>", "connects each second (default: 200)", wholeNumber(1, 10_000))
    .option(
      "--processes <n>",
      "how many processes simulate them (default: as few as may open so many files)",
      wholeNumber(1, 64),
    )
    .option(
      "--world-port <n>",
      "port on 127.0.0.1 where their power is switched (default: any)",
      wholeNumber(0, 65_535),
    )
    .option("--seed <n>", "rehearse: draws the hosts and who is hit", wholeNumber(0, 2 ** 31))
    .option("--vms <n-m>", "rehearse: machines of a host", bounds)
    .option("--latency <n-m>", "rehearse: milliseconds that a Command takes a host", bounds)
    .option(
      "--lose <zone>",
      "rehearse: a zone falls silent; zone-b@30s+60s: after 30 s, for 60 s; repeatable",
      zoneLoss,
    )
    .option("--kill <share>", "rehearse: a share loses its power; 10%@60s: after 60 s", shareAt)
    .option(
      "--flap <share>",
      "rehearse: a share comes and goes; 5%@10s+120s: after 10 s, for 120 s",
      shareAt,
    )
    .option("--config <json>", "settings of each simulated host, or @file", parseConfig);
  addConnectOptions(command)
    .option(...jsonOption)
    .action(async (options: SimCliOptions) => {
      const connect = connectOptions(context, options);
      const log = await processLog(context, "sim");
      const stop = context.stopSignal();
      const { runSim } = await import("../../agent/run-sim.ts");
      const sim = {
        ...connect,
        agents: options.agents,
        idPrefix: options.prefix,
        zones: options.zones,
        clustersPerZone: options.clusters,
        connectsPerSecond: options.rate,
        processes: options.processes,
        worldPort: options.worldPort,
        config: options.config,
        rehearsal: rehearsalOf(options),
      };
      await runSim(
        sim,
        log,
        stop,
        (ready) => {
          const sentence = `${ready.agents} simulated hosts are ready: all connected; their power is switched at ${ready.worldUrl}`;
          printReady(context, options, ready, sentence);
        },
        (news) => {
          context.print(`${options.json === true ? JSON.stringify(news) : simNewsText(news)}\n`);
        },
      );
    });
}

/** Whoever wants anything of a rehearsal has one, with seed 1 unless he gives another. */
function rehearsalOf({ seed, vms, latency, lose, kill, flap }: SimCliOptions) {
  const wanted = [seed, vms, latency, lose, kill, flap].some((one) => one !== undefined);
  return wanted
    ? { seed: seed ?? 1, vms, latencyMs: latency, lose: lose ?? [], kill, flap }
    : undefined;
}

function zoneLoss(text: string, before: readonly ZoneLoss[] = []): readonly ZoneLoss[] {
  const { what: zone, ...when } = moment(text);
  return [...before, { zone, ...when }];
}
