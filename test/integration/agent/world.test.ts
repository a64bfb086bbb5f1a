/** The world of simulated hosts: where their power is seen and switched. */
import { request } from "node:http";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { runSim, type SimReady } from "../../../src/agent/run-sim.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { afterTest, makeHome, startGateway } from "./agent-under-test.ts";
import type { FakeGateway } from "./fake-gateway.ts";

async function startSim(gateway: FakeGateway, worldPort?: number) {
  const stopping = new AbortController();
  let ready: SimReady | undefined;
  const ended = runSim(
    {
      agents: 2,
      gateways: [gateway.url],
      home: makeHome().path,
      frameBytesMax: 1_048_576,
      worldPort,
      config: { vms: 2 },
    },
    pino({ level: "silent" }),
    stopping.signal,
    (said) => (ready = said),
  );
  ended.catch(() => undefined);
  const stop = async () => {
    stopping.abort();
    await ended;
  };
  afterTest(() => stop().catch(() => undefined));
  const { worldUrl } = await waitUntil("the fleet is ready", () => ready);
  return { worldUrl, stop };
}

async function call(url: string, method = "GET", body?: unknown) {
  const response = await fetch(url, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    }),
  });
  return { status: response.status, body: await response.json() };
}
const on = (name: string) => ({ name, power: "On" });
const off = (name: string) => ({ name, power: "Off" });

describe("world", () => {
  test("power off - the socket breaks off without goodbye, VMs are off, the agent stays away; on - it is back", async () => {
    const gateway = await startGateway();
    const { worldUrl, stop } = await startSim(gateway);
    const hosts = `${worldUrl}/hosts`;
    expect((await call(hosts)).body).toEqual({
      hosts: [
        { id: "sim-0001", power: "on" },
        { id: "sim-0002", power: "on" },
      ],
    });
    const first = gateway.sessions.find(({ hello }) => hello?.hello?.agentId === "sim-0001");
    expect(first?.hello?.commands[0]?.["facts"]).toMatchObject({ world: worldUrl });

    expect(await call(`${hosts}/sim-0001/power`, "POST", { power: "off" })).toMatchObject({
      status: 200,
      body: { id: "sim-0001", power: "off", vms: [off("sim-0001-vm-1"), off("sim-0001-vm-2")] },
    });
    expect(await first?.closed).toBe(1006);
    expect(first?.requests("Shutdown")).toEqual([]);
    // The other host goes on, and nobody of its cluster sees the dark one.
    const second = gateway.sessions.find(({ hello }) => hello?.hello?.agentId === "sim-0002");
    second?.direct(1, [{ type: "CheckOnHost", id: "c1", host: { agentId: "sim-0001" } }]);
    expect(await second?.answers("direct", 1)).toMatchObject([{ result: true, seen: false }]);
    expect(gateway.sessions).toHaveLength(2);
    expect((await call(`${hosts}/sim-0001`)).body).toMatchObject({ power: "off" });

    await call(`${hosts}/sim-0001/power`, "POST", { power: "on" });
    const back = await gateway.session(2);
    expect(back.hello?.hello).toMatchObject({
      agentId: "sim-0001",
      credentials: { secret: first?.hello?.hello?.credentials.secret },
    });
    back.direct(1, [{ type: "ListVms", id: "c2" }]);
    expect(await back.answers("direct", 1)).toMatchObject([
      { vms: [off("sim-0001-vm-1"), off("sim-0001-vm-2")] },
    ]);
    second?.direct(2, [{ type: "CheckOnHost", id: "c3", host: { agentId: "sim-0001" } }]);
    expect(await second?.answers("direct", 2)).toMatchObject([{ seen: true }]);
    expect((await call(`${hosts}/sim-0002`)).body).toMatchObject({
      vms: [on("sim-0002-vm-1"), on("sim-0002-vm-2")],
    });
    await stop();
    expect(gateway.sessions.flatMap((one) => one.requests("Shutdown"))).toHaveLength(2);
  });

  test("a host that is off - does not keep the fleet from stopping", async () => {
    const { worldUrl, stop } = await startSim(await startGateway());
    await call(`${worldUrl}/hosts/sim-0001/power`, "POST", { power: "off" });
    await stop();
  });

  test("what makes no sense - is refused and changes nothing", async () => {
    const { worldUrl } = await startSim(await startGateway());
    const power = `${worldUrl}/hosts/sim-0001/power`;
    expect((await call(power, "POST", { power: "out" })).status).toBe(400);
    expect((await call(power, "POST", { power: "x".repeat(5_000) })).status).toBe(400);
    expect((await call(power)).status).toBe(405);
    expect((await call(`${worldUrl}/hosts/nobody`)).status).toBe(404);
    expect((await call(`${worldUrl}/hosts/%zz`)).status).toBe(404);
    expect((await call(`${worldUrl}/elsewhere`)).status).toBe(404);
    const form = await fetch(power, { method: "POST", body: '{"power":"off"}' });
    expect(form.status).toBe(400);
    expect((await call(`${worldUrl}/hosts/sim-0001`)).body).toMatchObject({ power: "on" });
  });

  test("a page under another name - is refused", async () => {
    const { worldUrl } = await startSim(await startGateway());
    const status = await new Promise((resolve, reject) => {
      request(`${worldUrl}/hosts`, { headers: { host: "evil.example" } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once("error", reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test("a port that is taken - stops the start and says what to change", async () => {
    const gateway = await startGateway();
    const { worldUrl } = await startSim(gateway);
    const starting = runSim(
      {
        agents: 1,
        gateways: [gateway.url],
        home: makeHome().path,
        frameBytesMax: 1_048_576,
        worldPort: Number(new URL(worldUrl).port),
      },
      pino({ level: "silent" }),
      new AbortController().signal,
    );
    await expect(starting).rejects.toMatchObject({ code: "PORT_TAKEN" });
    await expect(starting).rejects.toThrow("--world-port");
  });
});
