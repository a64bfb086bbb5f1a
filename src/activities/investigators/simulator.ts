import { BlockList, isIP } from "node:net";
import type { Finding, Investigator, LostHost } from "../../api/index.ts";
import { shippedInvestigators } from "../../lifecycle/investigator-catalogue.ts";
import { getJsonObject, NoAnswerError } from "./http-get.ts";
import { unknown } from "./unknown.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * Investigator `simulator`: asks the process that simulates the host (`muster sim`) whether the host has power. No power
 * → Down; power → Up: the host is alive and its agent gone. No answer → Unknown.
 *
 * The URL comes from the agent, so only this machine is asked, by its number, and the worlds that the worker was told of:
 * no agent may have a worker knock at doors for it.
 * @param worlds origins beside this machine's, such as `http://10.0.0.5:8260`
 */
export function createSimulator(worlds: readonly string[]): Investigator {
  const allowed = new Set(worlds.map((world) => new URL(world).origin));
  return {
    name: "simulator",
    summary: shippedInvestigators.simulator,
    async investigate(host, { signal }) {
      const world = worldOf(host, allowed);
      if (typeof world === "string") return unknown(world);
      try {
        const url = new URL(`/hosts/${encodeURIComponent(host.agentId)}`, world);
        return judge(host, world, await getJsonObject(url, { signal }));
      } catch (error) {
        if (!(error instanceof NoAnswerError)) throw error;
        return unknown(`The simulator at ${world.origin} ${error.message}.`);
      }
    },
  };
}

function worldOf({ facts }: LostHost, allowed: ReadonlySet<string>): URL | string {
  const announced = facts?.["world"];
  if (typeof announced !== "string") {
    return "Its agent announced no simulator to ask (fact `world`).";
  }
  const world = URL.canParse(announced) ? new URL(announced) : undefined;
  const plain =
    world?.protocol === "http:" && world.href === `${world.origin}/` && isHere(world.hostname);
  if (world !== undefined && (plain || allowed.has(world.origin))) return world;
  return `"${announced.slice(0, 100)}" was not asked: a simulator is asked on this machine alone (http://127.0.0.1:…), or when MUSTER_SIMULATOR_WORLDS names it.`;
}

function isHere(hostname: string): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 6 ? "ipv6" : "ipv4");
}

function judge(
  { agentId }: LostHost,
  world: URL,
  said: Readonly<Record<string, unknown>>,
): Finding {
  const where = `The simulator at ${world.origin}`;
  const { id, power } = said;
  if (id !== agentId || (power !== "on" && power !== "off")) {
    return unknown(`${where} answered rubbish about ${agentId}.`);
  }
  if (power === "on") {
    return { verdict: "Up", evidence: `${where} says that the host has power.` };
  }
  return {
    verdict: "Down",
    evidence: `${where} was asked: the host has no power.`,
    proof: `${where} says that ${agentId} is switched off.`,
  };
}
