/** Recurring Requests for people. */
import type { RecurringJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { failureOf } from "./answers.ts";
import { table } from "./table.ts";
import { roughly } from "./times.ts";

/** What is sent when, and how the last run ended. */
export function recurringText(
  all: readonly RecurringJson[],
  { now, width }: Pick<CliContext, "now" | "width">,
): string {
  if (all.length === 0) return "nothing is sent again and again\n";
  const nowMs = now();
  const inTime = (at: string): string => `in ${roughly(Date.parse(at) - nowMs)}`;
  return table<RecurringJson>(
    [
      { title: "NAME", text: ({ name }) => name },
      { title: "COMMANDS", text: commandsText, cuttable: true },
      { title: "WHEN", text: scheduleText },
      { title: "NEXT", text: ({ nextAt }) => inTime(nextAt) },
      { title: "RUNS", text: ({ runs }) => String(runs), align: "right" },
      { title: "FAILED", text: ({ failed }) => String(failed), align: "right" },
      { title: "LEFT OUT", text: ({ skipped }) => String(skipped), align: "right" },
      { title: "LAST RUN", text: (one) => lastText(one, nowMs), cuttable: true },
    ],
    all,
    width,
  );
}

function commandsText({ commands }: RecurringJson): string {
  return commands.map(({ type }) => type).join(", ");
}

function scheduleText({ schedule }: RecurringJson): string {
  if ("everySeconds" in schedule) return `every ${schedule.everySeconds} s`;
  return `${schedule.cron} ${schedule.timezone ?? "UTC"}`;
}

/** What happened last: a run and its end, or a turn that was left out. */
function lastText({ lastRun, lastSkip }: RecurringJson, nowMs: number): string {
  const skippedLater =
    lastSkip !== undefined && (lastRun === undefined || lastSkip.at > lastRun.at);
  if (skippedLater) return `left out ${ago(lastSkip.at, nowMs)}: ${lastSkip.reason}`;
  if (lastRun === undefined) return "-";
  const { at, answers } = lastRun;
  if (answers === undefined) return `goes on since ${roughly(nowMs - Date.parse(at))}`;
  return `${ago(at, nowMs)}: ${failureOf(answers) ?? "done"}`;
}

function ago(at: string, nowMs: number): string {
  return `${roughly(nowMs - Date.parse(at))} ago`;
}
