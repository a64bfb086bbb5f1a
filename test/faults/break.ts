/** Breaks what a cell says, and makes it whole again after a while. Everything that is left to chance comes from the seed. */
import { setTimeout as sleep } from "node:timers/promises";
import type { TcpProxy } from "../helpers/tcp-proxy.ts";
import type { Cell, LinkFault, ProcessFault } from "./matrix.ts";
import type { Breakable } from "./processes.ts";
import type { Chance } from "./seeded.ts";
import type { FaultStack } from "./stack.ts";

const stoppedMs = 20_000;
const delayMs = 2_000;
/** How long the others last. */
const lastsMs = {
  kill: [500, 4_000],
  cut: [2_000, 8_000],
  oneWay: [8_000, 16_000],
  delay: [6_000, 12_000],
} as const;

export interface Broken {
  /** Names what was hit, for people. */
  readonly what: string;
  /** Agents' processes that were lost. */
  readonly agentPids: readonly number[];
  /** Resolves when everything is whole again. */
  readonly healed: Promise<void>;
}

/** The fault is there at once. */
export function breakIt(stack: FaultStack, cell: Cell, chance: Chance): Broken {
  if (cell.kind === "process") {
    const hit = someOf(stack.processes[cell.target], chance);
    const lost = cell.target === "agent" && cell.fault !== "stop";
    const agentPids = lost ? hit.flatMap((one) => one.pids()) : [];
    const healed = Promise.all(hit.map((one) => breakProcess(one, cell.fault, chance)));
    const what = hit.map(({ name }) => name).join(", ");
    return { what, agentPids, healed: healed.then(() => undefined) };
  }
  const links = stack.links[cell.target];
  const hit = someOf([...links.keys()], chance);
  const [least, most] = lastsMs[durationOf(cell.fault)];
  const ms = chance.between(least, most);
  const healed = Promise.all(
    hit.map(async (index) => {
      const link = links[index];
      if (link !== undefined) await breakLink(link, cell.fault, ms);
    }),
  );
  const what = `link ${hit.map((index) => index + 1).join(", ")} for ${ms} ms`;
  return { what, agentPids: [], healed: healed.then(() => undefined) };
}

/** One or two of several; the only one there is. */
function someOf<T>(all: readonly T[], chance: Chance): readonly T[] {
  const most = Math.min(all.length, chance.happens(0.3) ? 2 : 1);
  return chance.shuffled(all).slice(0, most);
}

async function breakProcess(one: Breakable, fault: ProcessFault, chance: Chance): Promise<void> {
  switch (fault) {
    case "kill": {
      const ms = chance.between(...lastsMs.kill);
      one.signal("SIGKILL");
      await sleep(ms);
      await one.start();
      return;
    }
    case "stop":
      one.signal("SIGSTOP");
      await sleep(stoppedMs);
      one.signal("SIGCONT");
      return;
    case "restart":
      await one.stop();
      await one.start();
      return;
  }
}

function durationOf(fault: LinkFault): keyof typeof lastsMs {
  return fault === "cut" || fault === "delay" ? fault : "oneWay";
}

async function breakLink(link: TcpProxy, fault: LinkFault, ms: number): Promise<void> {
  switch (fault) {
    case "cut":
      link.refuse(true);
      link.cut();
      await sleep(ms);
      link.refuse(false);
      return;
    case "cut-there":
    case "cut-back":
      link.silence(fault === "cut-there" ? "toServer" : "toClient");
      await sleep(ms);
      link.resume();
      return;
    case "delay":
      link.delay(delayMs);
      await sleep(ms);
      link.delay(0);
      return;
  }
}
