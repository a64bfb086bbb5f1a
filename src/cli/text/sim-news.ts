import type { SimNews } from "../../agent/rehearsal/rehearse.ts";

const words: Readonly<Record<SimNews["event"], string>> = {
  now: "",
  silence: "fall silent, sockets open",
  voice: "are heard again",
  kill: "lose their power",
  drop: "lose their connections",
  raise: "have a network again",
  end: "the end",
};

/** One line of a rehearsal for people. */
export function simNewsText(news: SimNews): string {
  const { atMs, event, hosts, zone, connecting, executing } = news;
  const who =
    hosts === undefined ? "" : `${hosts} hosts${zone === undefined ? "" : ` of ${zone}`} `;
  const times = (what: string, of: typeof connecting): string =>
    of === undefined ? "" : `, ${what} p50 ${of.p50Ms} p99 ${of.p99Ms} ms`;
  return (
    `${(atMs / 1_000).toFixed(1).padStart(7)} s  ${`${who}${words[event]}`.padEnd(44)}  ` +
    `${news.connected} of ${news.agents} connected, ${news.lost} lost, ${news.refused} refused, ` +
    `${news.failed} failed, ${news.commands} Commands` +
    times("connecting", connecting) +
    times("executing", executing)
  );
}
