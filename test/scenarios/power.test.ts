/** Hosts that are off, and whoever can prove it: the simulator's world, a real Redfish emulator, an Investigator of a third party. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runMuster } from "../helpers/processes.ts";
import { findSushy, startSushy, sushyUser, type Sushy } from "../helpers/sushy.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { useCluster, type Gateway } from "./cluster.ts";

const example = fileURLToPath(new URL("../../examples/pdu-investigator", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "muster-power-"));
const bmcFile = join(folder, "bmcs.json");
writeFileSync(bmcFile, '{"bmcs":{}}', { mode: 0o600 });

/** A PDU that says of outlet 7 that it is off. */
const pdu = createServer((_request, response) => {
  response.end(JSON.stringify({ outlet: 7, state: "off" }));
});
await new Promise<void>((done) => pdu.listen(0, "127.0.0.1", done));
const outlet = `http://127.0.0.1:${(pdu.address() as AddressInfo).port}/outlets/7`;

const { cluster, home } = useCluster(() => ({
  MUSTER_INVESTIGATORS: "agent,neighbour:5000,redfish,pdu,simulator",
  MUSTER_INVESTIGATOR_MODULES: example,
  MUSTER_BMC_FILE: bmcFile,
  MUSTER_ALERT_WAIT_MS: "600000",
  PDU_OUTLETS: JSON.stringify({ unplugged: outlet }),
}));
let gateway: Gateway;
beforeAll(async () => {
  await cluster.startWorker();
  gateway = await cluster.startGateway("gateway-1");
});
afterAll(async () => {
  await new Promise((done) => pdu.close(done));
  rmSync(folder, { recursive: true, force: true });
});

interface Investigation {
  readonly investigator: string;
  readonly verdict: string;
  readonly evidence: string;
  readonly proof?: string;
  readonly tookMs: number;
}
/** What each Investigator said of the last loss, in order, up to its verdict. */
async function findings(agentId: string): Promise<readonly Investigation[]> {
  const { body } = await cluster.call("GET", `agents/${agentId}/events`);
  const { events } = body as { events: readonly { type: string; data: unknown }[] };
  const lost = events.findLastIndex(({ type }) => type === "disconnected");
  const after = events.slice(lost);
  const verdict = after.findIndex(({ type }) => type === "verdict");
  return after
    .slice(0, verdict < 0 ? after.length : verdict)
    .filter(({ type }) => type === "investigation")
    .map(({ data }) => data as Investigation);
}

describe("a simulated host whose power is switched off", () => {
  it("is Disconnected, then Down with the proof in its events, and Up again once it has power", async () => {
    const sims = await cluster.startSimulators(3, [gateway.agentUrl]);
    const world = String(sims.ready["worldUrl"]);
    await cluster.untilUp(3);
    const before = await cluster.agent("sim-0001");

    const power = (state: string) =>
      runMuster(["world", "power", "sim-0001", state, "--world", world, "--json"]);
    const off = await power("off");
    expect(off, off.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(off.stdout)).toMatchObject({ id: "sim-0001", power: "off" });

    const down = await cluster.untilStatus("sim-0001", "Down");
    expect(down.statusReason).toContain("sim-0001 is switched off");
    const asked = await waitUntil("it is in the event log", async () => {
      const found = await findings("sim-0001");
      return found.length >= 5 && found;
    });
    expect(asked.map(({ investigator, verdict }) => `${investigator} ${verdict}`)).toEqual([
      "agent Unknown",
      "neighbour Unknown",
      "redfish Unknown",
      "pdu Unknown",
      "simulator Down",
    ]);
    // Both others were asked by their gateway, and did not see it.
    expect(asked[1]?.evidence).toMatch(/sim-000[23] does not see it/);
    expect(asked[4]?.proof).toBe(`The simulator at ${world} says that sim-0001 is switched off.`);
    const statuses = (await cluster.events("sim-0001")).filter(({ type }) => type === "status");
    expect(statuses.map(({ text }) => text.split(":")[0]).slice(-2)).toEqual([
      "Up → Disconnected",
      "Disconnected → Down",
    ]);
    for (const id of ["sim-0002", "sim-0003"]) expect((await cluster.agent(id)).status).toBe("Up");

    const on = await power("on");
    expect(on, on.stderr).toMatchObject({ code: 0 });
    const after = await cluster.untilStatus("sim-0001", "Up");
    expect(after.epoch).toBeGreaterThan(before.epoch ?? 0);
    const types = (await cluster.events("sim-0001")).map(({ type }) => type);
    expect(types.indexOf("alertCleared")).toBeGreaterThan(types.indexOf("alertRaised"));
    await sims.stop();
  });
});

describe("an Investigator of a third party", () => {
  it("is loaded by a real worker and asked; what it proves counts", async () => {
    const agent = await cluster.startAgent("unplugged", [gateway.agentUrl], { home: home() });
    await cluster.untilStatus("unplugged", "Up");
    agent.signal("SIGKILL");
    const down = await cluster.untilStatus("unplugged", "Down");
    expect(down.statusReason).toContain("Investigator pdu");
    expect((await findings("unplugged")).at(-1)).toMatchObject({
      investigator: "pdu",
      verdict: "Down",
      proof: `${outlet} says that outlet 7 is off.`,
    });
  });
});

const sushy = await findSushy();
const noSushy = "missing" in sushy ? ` - skipped: ${sushy.missing}` : "";

describe.skipIf(noSushy !== "")(`a host with a BMC${noSushy}`, () => {
  let bmc: Sushy;
  beforeAll(async () => {
    bmc = await startSushy("folder" in sushy ? sushy.folder : "", folder, [
      { id: "system-1", power: "On" },
    ]);
    // The worker reads it anew: it has been running all the time.
    const bmcs = { "bare-metal": { url: bmc.url, ...sushyUser } };
    writeFileSync(bmcFile, JSON.stringify({ bmcs }));
    chmodSync(bmcFile, 0o600);
  });
  afterAll(async () => {
    await bmc.stop();
  });

  it("is not Down while its BMC says On, and Down with that proof once it says Off", async () => {
    const agent = await cluster.startAgent("bare-metal", [gateway.agentUrl], { home: home() });
    await cluster.untilStatus("bare-metal", "Up");
    agent.signal("SIGKILL");
    await waitUntil("its BMC was asked", async () =>
      (await findings("bare-metal")).some(({ evidence }) => evidence.includes("PowerState On")),
    );
    expect((await cluster.agent("bare-metal")).status).toBe("Disconnected");

    await bmc.power("system-1", "Off");
    const down = await cluster.untilStatus("bare-metal", "Down");
    expect(down.statusReason).toContain("reports PowerState Off for /redfish/v1/Systems/system-1");
    const events = await cluster.events("bare-metal");
    expect(JSON.stringify(events)).not.toContain(sushyUser.password);
  });
});
