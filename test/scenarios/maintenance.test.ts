/** Hosts are emptied for maintenance by real processes, some of which are killed in the middle. */
import { beforeAll, describe, expect, it } from "vitest";
import { runMuster, type MusterProcess } from "../helpers/processes.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { missingPrograms, startPrivateLibvirtd } from "../integration/kvm/private-libvirtd.ts";
import { useCluster, type Gateway } from "./cluster.ts";

const { cluster, home } = useCluster();
let gateway: Gateway;
let worker: MusterProcess;
const vmsOfEach = 4;

beforeAll(async () => {
  worker = await cluster.startWorker();
  gateway = await cluster.startGateway("gateway-1");
  await cluster.startSimulators(3, [gateway.agentUrl], {
    vms: vmsOfEach,
    faults: { MigrateVm: { delayMs: 1_000 } },
  });
  await cluster.untilUp(3);
});

function muster(...args: string[]) {
  return runMuster(args, {
    env: {
      MUSTER_HOME: home(),
      MUSTER_API_URL: gateway.apiUrl,
      MUSTER_API_TOKEN: "scenario-api-token-0123456789",
    },
    readyTimeoutMs: 120_000,
  });
}

async function moved(agentId: string): Promise<number> {
  const { body } = await cluster.call("GET", `agents/${agentId}`);
  return (
    (body as { lifecycle?: { maintenance?: { moved: number } } }).lifecycle?.maintenance?.moved ?? 0
  );
}

async function machines(agentId: string): Promise<readonly string[]> {
  const [answer] = await cluster.send(agentId, [{ type: "ListVms" }]);
  return (answer?.["vms"] as readonly { name: string }[]).map(({ name }) => name);
}

describe("a host that is emptied", () => {
  it("worker killed in the middle - goes on with another one, moves each machine once, and --monitor sees it through", async () => {
    const entering = muster("maintenance", "enter", "sim-0002", "--monitor");
    await waitUntil("the first machine is moved", async () => (await moved("sim-0002")) > 0);

    worker.signal("SIGKILL");
    await worker.ended;
    worker = await cluster.startWorker();

    const { code, stdout } = await entering;
    expect(stdout).toContain(`done: ${vmsOfEach} moved, 0 stopped, 0 left`);
    expect(stdout).toContain("sim-0002 is in Maintenance");
    expect(code).toBe(0);
    const elsewhere = [...(await machines("sim-0001")), ...(await machines("sim-0003"))];
    expect(elsewhere).toHaveLength(3 * vmsOfEach);
    expect(new Set(elsewhere).size).toBe(3 * vmsOfEach);
    expect(elsewhere.filter((vm) => vm.startsWith("sim-0002"))).toHaveLength(vmsOfEach);

    const back = await muster("maintenance", "cancel", "sim-0002", "--json");
    expect(JSON.parse(back.stdout)).toMatchObject({ resourceState: "Enabled" });
    expect(await machines("sim-0002")).toEqual([]);
  });

  it("gateway killed in the middle - its Commands wait for the agent, and it is emptied all the same", async () => {
    const { status } = await cluster.call("POST", "agents/sim-0001/maintenance");
    expect(status).toBe(200);
    await waitUntil("the first machine is moved", async () => (await moved("sim-0001")) > 0);
    const before = (await moved("sim-0001")) + 1;

    gateway.signal("SIGKILL");
    await gateway.ended;
    gateway = await cluster.startGateway("gateway-1", gateway);

    const watched = await muster("maintenance", "watch", "sim-0001");
    expect(watched.code, watched.stdout + watched.stderr).toBe(0);
    expect(await moved("sim-0001")).toBeGreaterThan(before);
    const all = [...(await machines("sim-0002")), ...(await machines("sim-0003"))];
    expect(new Set(all).size).toBe(3 * vmsOfEach);
    expect(all).toHaveLength(3 * vmsOfEach);
  });
});

const missing = missingPrograms("virsh", "libvirtd");
describe.skipIf(missing !== "")(`a KVM host${missing && ` - skipped: ${missing}`}`, () => {
  it("by policy stop - its machine is stopped through libvirt, then it is in Maintenance", async () => {
    const libvirt = await startPrivateLibvirtd();
    try {
      await cluster.startAgent("kvm-1", [gateway.agentUrl], {
        home: home(),
        resource: "kvm",
        config: { uri: libvirt.testUri },
      });
      await cluster.untilStatus("kvm-1", "Up");
      const entered = await muster(
        "maintenance",
        "enter",
        "kvm-1",
        "--policy",
        "stop",
        "--monitor",
      );
      expect(entered.code, entered.stdout + entered.stderr).toBe(0);
      expect(entered.stdout).toContain("done: 0 moved, 1 stopped, 0 left");
    } finally {
      await libvirt.stop();
    }
  });
});
