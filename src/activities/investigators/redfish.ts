import type { Finding, Investigator } from "../../api/index.ts";
import { shippedInvestigators } from "../../lifecycle/investigator-catalogue.ts";
import { BmcFileError, type Bmc, type BmcFile } from "./bmc-file.ts";
import { getJsonObject, NoAnswerError } from "./http-get.ts";
import { unknown } from "./unknown.ts";

const systemsPath = "/redfish/v1/Systems";

type Get = (path: string) => Promise<Readonly<Record<string, unknown>>>;

/**
 * Investigator `redfish`: reads the power state of the host's ComputerSystem from its BMC. Off → Down, proven. On → Unknown:
 * power says nothing of what runs on it. On its way on or off, no answer, no right to ask, rubbish → Unknown.
 * @param bmcs undefined when MUSTER_BMC_FILE is not set
 */
export function createRedfish(bmcs: BmcFile | undefined): Investigator {
  return {
    name: "redfish",
    summary: shippedInvestigators.redfish,
    async investigate({ agentId }, { signal }) {
      if (bmcs === undefined) return unknown("No BMC was asked: MUSTER_BMC_FILE is not set.");
      try {
        const bmc = await bmcs.find(agentId);
        if (bmc === undefined) {
          return unknown(`No BMC was asked: MUSTER_BMC_FILE names none of ${agentId}.`);
        }
        return await ask(bmc, signal);
      } catch (error) {
        if (!(error instanceof BmcFileError)) throw error;
        return unknown(`No BMC was asked: ${error.message}.`);
      }
    },
  };
}

async function ask(bmc: Bmc, signal: AbortSignal): Promise<Finding> {
  const { url, username, password, ca, insecure } = bmc;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const get: Get = (path) => {
    const target = new URL(path, url);
    // A link of the BMC's own must not carry its password elsewhere.
    if (target.origin !== url.origin) throw new NoAnswerError("names a system that is elsewhere");
    return getJsonObject(target, { signal, headers: { authorization }, ca, insecure });
  };
  try {
    const path = bmc.system === undefined ? await onlySystem(get) : systemPath(bmc.system);
    return judge(`The BMC ${url.origin}`, path, await get(path));
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    return unknown(`The BMC ${url.origin} ${error.message}.`);
  }
}

function systemPath(system: string): string {
  return system.startsWith("/") ? system : `${systemsPath}/${encodeURIComponent(system)}`;
}

/** @throws NoAnswerError unless the BMC stands for exactly one system. */
async function onlySystem(get: Get): Promise<string> {
  const { Members: members } = await get(systemsPath);
  if (!Array.isArray(members)) throw new NoAnswerError("did not list its systems");
  const [only] = members as readonly unknown[];
  if (members.length !== 1 || typeof only !== "object" || only === null) {
    throw new NoAnswerError(
      `stands for ${members.length} systems: name the host's in MUSTER_BMC_FILE ("system")`,
    );
  }
  const path = (only as Readonly<Record<string, unknown>>)["@odata.id"];
  if (typeof path !== "string" || !path.startsWith("/")) {
    throw new NoAnswerError("did not name its system");
  }
  return path;
}

function judge(bmc: string, path: string, system: Readonly<Record<string, unknown>>): Finding {
  const { "@odata.type": type, PowerState: state } = system;
  // What is not certainly a ComputerSystem proves nothing, whatever state it has.
  if (typeof type !== "string" || !type.startsWith("#ComputerSystem.")) {
    return unknown(`${bmc} answered with what is no ComputerSystem at ${path}.`);
  }
  if (state === "Off") {
    return {
      verdict: "Down",
      evidence: `${bmc} was asked: the host is off.`,
      proof: `${bmc} reports PowerState Off for ${path}.`,
    };
  }
  if (state === "On") {
    return unknown(`${bmc} reports PowerState On for ${path}; what runs there it can't tell.`);
  }
  const shown = typeof state === "string" ? `PowerState ${state.slice(0, 40)}` : "no PowerState";
  return unknown(`${bmc} reports ${shown} for ${path}.`);
}
