/** Gateways that are cut off from Temporal, from PostgreSQL, from both, while another one does well; and one id taken twice. */
import { expect, it } from "vitest";
import { listGateways } from "../../../src/db/index.ts";
import { startTcpProxy } from "../../helpers/tcp-proxy.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { apiToken, callApi, startOperatorGateway } from "../operator/operator-rig.ts";
import { TestAgent } from "./test-agent.ts";
import { joinToken, testConfig, useWorker } from "./test-gateway.ts";

const database = useDatabase();
const temporal = useTemporal();
useWorker(temporal, database);

/** A gateway behind a proxy to each of its servers, with one agent. */
async function behindProxies() {
  const url = new URL(database.url);
  const toPostgres = await startTcpProxy(Number(url.port), url.hostname);
  url.hostname = "127.0.0.1";
  url.port = String(toPostgres.port);
  const [host, port] = temporal.address.split(":");
  const toTemporal = await startTcpProxy(Number(port), host);
  const gateway = await startOperatorGateway(
    testConfig({ ...temporal, address: `127.0.0.1:${toTemporal.port}` }, url.href, {
      MUSTER_API_TOKEN: apiToken,
    }),
  );
  const agent = await TestAgent.connect(gateway.agentUrl, { joinToken });
  return { gateway, agent, toPostgres, toTemporal };
}

/** The gateways that a PingAnswer names. */
async function namedTo(agent: TestAgent): Promise<readonly string[]> {
  const id = agent.ping();
  const { answers } = await agent.next("a PingAnswer", (frame) => {
    return frame.answers?.[0]?.commandId === id;
  });
  return (answers?.[0] as { readonly gateways?: readonly string[] } | undefined)?.gateways ?? [];
}

async function standingOf(gatewayId: string) {
  return (await listGateways(database.pool)).find(({ id }) => id === gatewayId);
}

it("cut off - its agents are sent away, its callers too, and it joins anew when it can", async () => {
  const well = await startOperatorGateway(
    testConfig(temporal, database.url, { MUSTER_API_TOKEN: apiToken }),
  );
  const sureForMs = async () => {
    const reply = await fetch(`${well.apiUrl}/readyz`);
    return ((await reply.json()) as { sureForMs?: number }).sureForMs ?? 0;
  };
  const early = await TestAgent.connect(well.agentUrl, { joinToken });
  expect(await namedTo(early)).toEqual([well.agentUrl]);
  const cuts = await Promise.all([behindProxies(), behindProxies(), behindProxies()]);
  const [noTemporal, noPostgres, neither] = cuts;
  const all = [well, ...cuts.map(({ gateway }) => gateway)].map(({ agentUrl }) => agentUrl);
  await waitUntil("pings tell of gateways that joined later", async () => {
    const named = await namedTo(early);
    return named[0] === well.agentUrl && all.every((url) => named.includes(url));
  });
  // A gateway that has only just come back is no proof against others.
  await waitUntil("the other gateway is sure", async () => (await sureForMs()) > 9_000);
  for (const { gateway } of cuts) {
    await waitUntil("its lease is held", async () => {
      return (await standingOf(gateway.gatewayId))?.leaseAgoMs != null;
    });
  }
  const before = await Promise.all(cuts.map(({ gateway }) => standingOf(gateway.gatewayId)));
  const closed = cuts.map(
    ({ agent }) => new Promise<number>((resolve) => agent.socket.once("close", resolve)),
  );
  for (const { toTemporal } of [noTemporal, neither]) toTemporal.silence();
  for (const { toPostgres } of [noPostgres, neither]) {
    toPostgres.refuse(true);
    toPostgres.cut();
  }
  expect(await Promise.all(closed)).toEqual([1001, 1001, 1001]);
  for (const { gateway, agent } of cuts) {
    const call = ["POST", `agents/${agent.agentId}/commands`] as const;
    const asked = await callApi(gateway.apiUrl, ...call, {
      commands: [{ type: "ListVms" }],
      lane: "direct",
    });
    expect(asked).toMatchObject({ status: 503, body: { code: "NOT_READY" } });
  }
  for (const { toTemporal, toPostgres } of cuts) {
    toTemporal.resume();
    toPostgres.refuse(false);
  }
  for (const [i, { gateway }] of cuts.entries()) {
    const again = await waitUntil("it joined anew", async () => {
      const row = await standingOf(gateway.gatewayId);
      return row?.incarnation !== before[i]?.incarnation && row?.leaseAgoMs != null && row;
    });
    expect(again).toMatchObject({ state: "joined", fencedBecause: null });
    const { body } = await callApi(well.apiUrl, "GET", "gateways");
    const shown = body["gateways"] as readonly { id: string; standing: string }[];
    expect(shown.find(({ id }) => id === gateway.gatewayId)?.standing).toBe("up");
  }
  for (const { gateway, toPostgres, toTemporal } of cuts) {
    await gateway.stop();
    await Promise.all([toPostgres.close(), toTemporal.close()]);
  }
  await well.stop();
});

async function isGone(apiUrl: string): Promise<boolean> {
  return await fetch(`${apiUrl}/healthz`).then(
    () => false,
    () => true,
  );
}

it("two processes with one id - the newer one stays, the older one stops and says what to change", async () => {
  const env = { MUSTER_API_TOKEN: apiToken, MUSTER_GATEWAY_ID: "gw-twice" };
  const older = await startOperatorGateway(testConfig(temporal, database.url, env));
  const newer = await startOperatorGateway(testConfig(temporal, database.url, env));
  await waitUntil("the older one stopped", () => isGone(older.apiUrl));
  await expect(older.stop()).rejects.toThrow(
    /Another process runs as gateway gw-twice.*MUSTER_GATEWAY_ID/,
  );
  const row = await waitUntil("the newer one has its lease", async () => {
    const found = await standingOf("gw-twice");
    return found?.leaseAgoMs != null && found;
  });
  expect(row.state).toBe("joined");
  await newer.stop();
});
