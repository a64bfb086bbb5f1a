/** Direct agents over the operator API and the command line, run by a gateway in the test's own process. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listDirectConfigs } from "../../../src/db/index.ts";
import { newKeyEntry } from "../../../src/secrets/keyring.ts";
import { runMuster } from "../../helpers/processes.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { joinToken } from "../gateway/test-gateway.ts";
import { TestAgent } from "../gateway/test-agent.ts";
import { missingPrograms, startPrivateLibvirtd } from "../kvm/private-libvirtd.ts";
import { apiToken, useOperatorRig } from "./operator-rig.ts";

const rig = useOperatorRig();
const { call } = rig;
const place = { zone: "far", cluster: "f1" };
let home = "";

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "muster-direct-"));
});
afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

describe("direct agents", () => {
  it("a config with secrets - is refused without a key, else sealed at rest and shown masked", async () => {
    const config = { uri: "test:///default", password: "correct horse" };
    const agent = { id: "sealed", ...place, resource: "simulator", config };
    expect(await call("POST", "direct-agents", agent)).toMatchObject({
      status: 409,
      body: { code: "PAYLOAD_KEY_NEEDED" },
    });
    const keeper = await rig.startGateway({ MUSTER_PAYLOAD_KEY: newKeyEntry("k1") });
    const response = await fetch(`${keeper.apiUrl}/api/v1/direct-agents`, {
      method: "POST",
      headers: { authorization: `Bearer ${apiToken}`, "content-type": "application/json" },
      body: JSON.stringify(agent),
    });
    expect(await response.json()).toMatchObject({ config: { ...config, password: "***" } });
    const kept = (await listDirectConfigs(rig.database.pool)).find(({ id }) => id === "sealed");
    expect(kept?.config).toMatch(/^sealed:k1:/);
    expect((await call("GET", "direct-agents/sealed")).body).toMatchObject({
      config: { password: "***" },
      gatewayId: null,
    });
    expect((await call("DELETE", "agents/sealed")).body).toMatchObject({ status: "Removed" });
    await keeper.stop();
  });

  it("what gateways don't run, and ids that are used - are refused with what to change", async () => {
    const agent = { id: "odd", ...place, resource: "/etc/passwd.mjs" };
    expect(await call("POST", "direct-agents", agent)).toMatchObject({ status: 400 });
    const local = { ...agent, resource: "kvm", config: { uri: "qemu:///system" } };
    expect(await call("POST", "direct-agents", local)).toMatchObject({ status: 400 });
    const { agentId } = await rig.connect();
    expect(
      await call("POST", "direct-agents", {
        ...agent,
        id: agentId,
        resource: "kvm",
        config: { uri: "test:///default" },
      }),
    ).toMatchObject({
      status: 409,
      body: { code: "AGENT_EXISTS" },
    });
  });

  it("an id that is declared - is nobody else's, whatever join token he brings", async () => {
    const agent = { id: "declared", ...place, resource: "simulator" };
    expect((await call("POST", "direct-agents", agent)).status).toBe(200);
    const thief = await TestAgent.hello(rig.gateway.agentUrl, { joinToken, agentId: "declared" });
    await thief.untilClosed();
    expect((await call("GET", "agents/declared")).body).toMatchObject({ code: "AGENT_UNKNOWN" });
    await call("DELETE", "agents/declared");
  });

  it.skipIf(missingPrograms("virsh", "libvirtd") !== "")(
    "libvirt - a host is declared on the command line, run over its remote URI, and listed",
    async () => {
      const libvirtd = await startPrivateLibvirtd({ listens: true });
      const env = { MUSTER_API_URL: rig.gateway.apiUrl, MUSTER_API_TOKEN: apiToken };
      const runner = await rig.startGateway({ MUSTER_HOME: home, MUSTER_DIRECT_AGENTS_MAX: "5" });
      const uri = ["--uri", libvirtd.tcpUri, "--cluster", "virt", "--json"];
      const args = ["agent", "add", "--direct", "virt-1", "--resource", "kvm", ...uri];
      expect(await runMuster(args, { env })).toMatchObject({ code: 0 });
      await waitUntil(
        "it is Up",
        async () => (await call("GET", "agents/virt-1")).body["status"] === "Up",
        { timeoutMs: 60_000, everyMs: 200 },
      );
      const { body } = await call("POST", "agents/virt-1/commands", {
        commands: [{ type: "ListVms" }],
      });
      expect(body).toMatchObject({ answers: [{ result: true, vms: [{ name: "test" }] }] });
      const listed = await runMuster(["agent", "list", "--direct", "--json"], { env });
      expect(JSON.parse(listed.stdout)).toMatchObject({
        directAgents: [{ id: "virt-1", gatewayId: runner.gatewayId, trouble: null }],
      });
      await call("DELETE", "agents/virt-1");
      await libvirtd.stop();
    },
  );
});
