/** The story of a loss in words: what was lost, who was asked, what was decided, what was done, what comes next. */
import type { AgentView } from "../../workflows/agent-messages.ts";
import type { WhyJson } from "../api/types.ts";
import { roughly, stampOf, took } from "./times.ts";
import { hanging } from "./wrap.ts";

type Loss = NonNullable<WhyJson["loss"]>;
const labelWidth = "decided".length;

/** Lines for the newest loss; what comes next only while it lasts, from the lifecycle's own view. */
export function explanation(
  loss: Loss,
  view: AgentView["loss"],
  { now, width }: { readonly now: () => number; readonly width: number },
): string {
  const line = (label: string, text: string): string =>
    hanging(`  ${label.padEnd(labelWidth)}  `, text, width);
  const at = (iso: string): string => stampOf(new Date(iso));
  const { lost, asked, rounds, decided, done, ended } = loss;
  const where = lost.gatewayId === undefined ? "" : ` on gateway ${lost.gatewayId}`;
  return [
    line("lost", `${at(lost.at)}  session ${lost.epoch}${where}. ${lost.text}`),
    lost.ruleText === undefined ? "" : line("rule", lost.ruleText),
    ...asked.map(({ at: when, investigator, verdict, evidence, proof, tookMs }) => {
      const seen = `${evidence}${proof === undefined ? "" : ` Proof: ${proof}`}`;
      const time = tookMs === undefined ? "" : ` (took ${took(tookMs)})`;
      return line("asked", `${at(when)}  ${investigator}: ${verdict}. ${seen}${time}`);
    }),
    rounds > 1 ? line("", `${rounds} rounds of questions in all; this is the newest`) : "",
    decided === null ? "" : line("decided", `${at(decided.at)}  ${decided.text}`),
    decided?.ruleText === undefined ? "" : line("rule", decided.ruleText),
    ...done.map((step) => line("done", `${at(step.at)}  ${step.text}`)),
    ended === null ? nextLines(line, view, now()) : line("ended", `${at(ended.at)}  ${ended.text}`),
  ].join("");
}

function nextLines(
  line: (label: string, text: string) => string,
  view: AgentView["loss"],
  nowMs: number,
): string {
  if (view === undefined) return "";
  const until = (iso: string): string => {
    const leftMs = Date.parse(iso) - nowMs;
    return leftMs <= 0 ? "now" : `in ${roughly(leftMs)}`;
  };
  const { nextInvestigationAt, alertAt } = view;
  const next = [
    nextInvestigationAt === undefined
      ? "nobody is asked any more"
      : `the Investigators are asked ${until(nextInvestigationAt)}`,
    ...(alertAt === undefined ? [] : [`Alert ${until(alertAt)}`]),
  ];
  return line("next", `${next.join("; ")}; a new session ends it`);
}
