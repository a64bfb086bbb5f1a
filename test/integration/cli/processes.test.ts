/** The verbs against the real thing: gateway, worker and simulated hosts as `muster` processes. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runMuster, type MusterProcess } from "../../helpers/processes.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { useCluster, type Gateway } from "../../scenarios/cluster.ts";
import { run } from "../../unit/cli/run.ts";

const { cluster, home } = useCluster();
const agentId = "sim-0001";
let gateway: Gateway;
let worker: MusterProcess;

beforeAll(async () => {
  [gateway, worker] = await Promise.all([cluster.startGateway("gw-cli"), cluster.startWorker()]);
  await cluster.startSimulators(2, [gateway.agentUrl]);
  await cluster.untilUp(2);
}, 180_000);

function env() {
  return {
    MUSTER_HOME: home(),
    MUSTER_API_URL: gateway.apiUrl,
    MUSTER_API_TOKEN: "scenario-api-token-0123456789",
  };
}
const agentIdLike: unknown = expect.stringMatching(/^sim-000[12]$/);
const aNumber: unknown = expect.any(Number);
const success: unknown = expect.objectContaining({ result: true });

/** The fields of a gateway in docs/CLI.md. */
function documentedGateway(): readonly string[] {
  const path = new URL("../../../docs/CLI.md", import.meta.url);
  const [, json = ""] =
    /\*\*`gateways`.*?```json\n(.*?)```/s.exec(readFileSync(path, "utf8")) ?? [];
  return Object.keys(JSON.parse(json) as object).sort();
}

/** What `recurring list` tells of one. */
interface Recurring {
  readonly name: string;
  readonly nextAt: string;
  readonly lastRun?: { readonly answers?: readonly { readonly result: boolean }[] };
}

/** In this process, because a process for each would cost more than all the rest. */
async function muster(...args: string[]) {
  return await run(args, env());
}

describe("muster against a running manager", () => {
  it("lists agents and gateways", async () => {
    const agents = await muster("agents");
    expect(agents).toMatchObject({ code: 0, stderr: "" });
    expect(agents.stdout).toMatch(/^sim-0001 +Up .* Enabled .* gw-cli/m);
    expect(agents.stdout).toContain("2 agents: 2 Up");
    const none = await muster("agents", "--zone", "nowhere");
    expect(none).toMatchObject({ code: 0, stdout: "no agents\n" });
    const gateways = await muster("gateways", "--json");
    const listed = JSON.parse(gateways.stdout) as { readonly gateways: readonly object[] };
    expect(listed).toMatchObject({ gateways: [{ id: "gw-cli", state: "joined", agents: 2 }] });
    expect(Object.keys(listed.gateways[0] ?? {}).sort()).toEqual(documentedGateway());
  });

  it("does so as a process too: answer on stdout, complaint on stderr, exit code", async () => {
    const agents = await runMuster(["agents", "--json"], { env: env() });
    expect(agents).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(agents.stdout)).toMatchObject({ agents: [{ id: agentId }, {}] });
    const wrong = await runMuster(["agents"], {
      env: { ...env(), MUSTER_API_TOKEN: "not-the-token-of-this-gateway" },
    });
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).toContain("MUSTER_API_TOKEN");
    const misspelt = await runMuster(["agnets"], { env: env() });
    expect(misspelt).toMatchObject({ code: 2, stdout: "" });
  });

  it("shows one agent, and why it is what it is", async () => {
    const shown = await muster("agent", agentId);
    expect(shown.stdout).toMatch(/^status +Up since/m);
    expect(shown.stdout).toMatch(/^gateway +gw-cli$/m);
    const why = await muster("why", agentId);
    expect(why).toMatchObject({ code: 0, stderr: "" });
    expect(why.stdout).toMatch(/connected +Connected: session 1 on gateway gw-cli/);
    const unknown = await muster("why", "no-such-agent");
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain("AGENT_UNKNOWN");
  });

  it("sends Commands on both lanes", async () => {
    for (const lane of ["direct", "durable"]) {
      const sent = await muster("send", agentId, "GetHostStats", "--lane", lane, "--json");
      expect(sent.code, lane).toBe(0);
      expect(JSON.parse(sent.stdout), lane).toMatchObject({
        answers: [{ type: "GetHostStatsAnswer", result: true }],
      });
    }
    const stop = ["send", agentId, "StopVm", '{"vm":"no-such-vm"}', "--request-id", "r-cli-1"];
    const failed = await muster(...stop);
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain("StopVmAnswer  failed");
    const request = await muster("request", "r-cli-1");
    expect(request.stdout).toMatch(/^state +settled$/m);
    expect(request.stdout).toContain("StopVmAnswer  failed");
    const cancelled = await muster("cancel", "r-cli-1");
    expect(cancelled).toMatchObject({ code: 0 });
    expect(cancelled.stdout).toContain("it has its Answers already");
  });

  it("sends a batch, and one that nobody waits for, and hears of it later", async () => {
    const file = join(home(), "batch.json");
    const commands = [
      { type: "RebootVm", vm: "vm-1" },
      { type: "StopVm", vm: "no-such-vm" },
    ];
    writeFileSync(file, JSON.stringify(commands));
    const batch = await muster("send", agentId, "--batch", file, "--on-error", "continue");
    expect(batch.code).toBe(1);
    expect(batch.stdout).toMatch(
      /^1\/2 {2}RebootVmAnswer {2}done$[^]*^2\/2 {2}StopVmAnswer {2}failed/m,
    );
    const reboot = ["RebootVm", '{"vm":"vm-1"}', "--async", "--request-id", "r-cli-async"];
    const submitted = await muster("send", agentId, ...reboot);
    expect(submitted).toMatchObject({ code: 0, stderr: "" });
    expect(submitted.stdout).toContain("r-cli-async  Request ");
    const heard = await muster("request", "r-cli-async", "--wait");
    expect(heard).toMatchObject({ code: 0, stderr: "" });
    expect(heard.stdout).toContain("RebootVmAnswer  done");
  });

  it("asks many agents, and tells who answered, how fast, and who did not and why", async () => {
    const whole = await muster("ask", "--all", "CheckHealth", "--each");
    expect(whole).toMatchObject({ code: 0, stderr: "" });
    expect(whole.stdout).toMatch(/^sim-0001 {2}CheckHealthAnswer {2}done$/m);
    expect(whole.stdout).toMatch(
      /^CheckHealth {2}2 agents in [\d.]+ s: 2 answered, 0 missing\np50 /m,
    );
    const some = await muster("ask", "--where", "zone=zone-1,type=simulator", "ListVms", "--json");
    const lines = some.stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { agentId: agentIdLike, tookMs: aNumber, answer: success },
      { agentId: agentIdLike, tookMs: aNumber, answer: success },
      {
        summary: expect.objectContaining({
          ...{ command: "ListVms", agents: 2, answered: 2, failed: 0, missing: 0 },
          latency: expect.objectContaining({ count: 2, p99Ms: aNumber }) as unknown,
        }) as unknown,
      },
    ]);
    const nobody = await muster("ask", "--where", "zone=nowhere", "CheckHealth");
    expect(nobody).toMatchObject({ code: 1, stdout: "" });
    expect(nobody.stderr).toContain("[NO_AGENTS]");
    const wrong = await muster("ask", "--all", "StopVm", '{"vm":"x"}');
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toMatch(/0 answered, 2 missing[^]*^ {2}NOT_READ_ONLY {2}2 agents: sim-/m);
    expect(wrong.stderr).toContain("2 of 2 agents did not answer with success");
  });

  it("changes many agents only when told that it is meant, and never twice for one request id", async () => {
    const stop = ["send", "--all", "StopVm", '{"vm":"no-such-vm"}', "--request-id", "fleet-1"];
    const unsaid = await muster(...stop);
    expect(unsaid.code).toBe(2);
    expect(unsaid.stderr).toMatch(/may change 2 agents at once: sim-0001, sim-0002\. Say --yes/);
    const asked: string[] = [];
    const answering = (answer: string) => ({
      ask: (question: string) => {
        asked.push(question);
        return Promise.resolve(answer);
      },
    });
    const no = await run(stop, env(), answering("no"));
    expect(no).toMatchObject({ code: 1, stdout: "" });
    expect(no.stderr).toContain("Nothing was sent. [NOT_CONFIRMED]");
    const yes = await run(stop, env(), answering("yes"));
    expect(asked[1]).toContain("StopVm may change 2 agents");
    expect(yes.code).toBe(1);
    expect(yes.stdout).toMatch(
      /2 answered, 2 of them failed, 0 missing[^]*VM_NOT_FOUND {2}2 agents/,
    );
    const before = await muster("request", "fleet-1/sim-0001", "--json");
    const again = await muster(...stop, "--yes");
    expect(again.stdout).toContain("2 answered, 2 of them failed, 0 missing");
    expect((await muster("request", "fleet-1/sim-0001", "--json")).stdout).toBe(before.stdout);
  });

  it("stops at Ctrl-C, and prints what there is", async () => {
    const stopping = new AbortController();
    const ask = ["ask", "--all", "CheckHealth", "--each", "--concurrency", "1"];
    let printed = "";
    const stopped = await run(ask, env(), {
      stopSignal: () => stopping.signal,
      print: (text) => {
        printed += text;
        stopping.abort();
      },
    });
    expect(stopped.code).toBe(1);
    expect(printed).toMatch(/1 answered, 1 missing[^]*ABORTED {2}1 agent: sim-000[12]/);
    expect(stopped.stderr).toContain("Stopped: this is what was there.");
  });

  it("puts a host into maintenance and back, and refuses what makes no sense", async () => {
    const enter = ["maintenance", "enter", agentId];
    const plan = await muster(...enter, "--dry-run");
    expect(plan).toMatchObject({ code: 0, stderr: "" });
    expect(plan.stdout).toMatch(/^sim-0001-vm-1 +host +migrate +sim-0002$/m);
    const entered = await muster(...enter, "--reason", "a new disk", "--monitor");
    expect(entered).toMatchObject({ code: 0, stderr: "" });
    expect(entered.stdout).toContain("done: 2 moved, 0 stopped, 0 left");
    expect(entered.stdout).toContain(`${agentId} is in Maintenance`);
    const refused = await muster("send", agentId, "StopVm", '{"vm":"x"}');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("RESOURCE_STATE");
    const cancelled = await muster("maintenance", "cancel", agentId, "--json");
    expect(JSON.parse(cancelled.stdout)).toMatchObject({ resourceState: "Enabled" });
    const again = await muster("maintenance", "cancel", agentId);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("RESOURCE_STATE");
    await waitUntil("the reason is in the timeline", async () =>
      (await muster("why", agentId)).stdout.includes("a new disk"),
    );
  });

  it("has Commands sent again and again, past a worker's death and a new session", async () => {
    const add = ["recurring", "add", agentId];
    const health = await muster(...add, "health", "CheckHealth", "--every", "10", "--json");
    expect(health).toMatchObject({ code: 0, stderr: "" });
    const nightly = ["nightly", "GetHostStats", "--cron", "*/5 * * * *"];
    expect(await muster(...add, ...nightly)).toMatchObject({ code: 0, stderr: "" });
    worker.signal("SIGKILL");
    await worker.ended;
    worker = await cluster.startWorker();
    expect(await muster("reconnect", agentId)).toMatchObject({ code: 0 });
    const list = async () => {
      const { stdout } = await muster("recurring", "list", agentId, "--json");
      return (JSON.parse(stdout) as { recurring: readonly Recurring[] }).recurring;
    };
    const ran = await waitUntil("its turn came, and was answered in the new session", async () => {
      const one = (await list()).find(({ name }) => name === "health");
      return one?.lastRun?.answers?.some(({ result }) => result) === true && one;
    });
    expect(ran).toMatchObject({ failed: 0, lastRun: { answers: [success] } });
    const [, byCron] = await list();
    expect(new Date(byCron?.nextAt ?? "").getUTCMinutes() % 5).toBe(0);
    for (const name of ["health", "nightly"]) {
      expect((await muster("recurring", "remove", agentId, name)).code).toBe(0);
    }
    expect(await list()).toEqual([]);
  });

  it("configures pings, and prints the event log", async () => {
    const configured = await muster("configure", agentId, "--ping-interval", "0.8");
    expect(configured).toMatchObject({ code: 0, stderr: "" });
    const shown = await muster("agent", agentId);
    expect(shown.stdout).toMatch(/^pings +every 0\.8 s/m);
    await waitUntil("the event log tells of it", async () => {
      const { stdout } = await muster("events", "--agent", agentId, "--json");
      const lines = stdout.trimEnd().split("\n");
      const types = lines.map((line) => (JSON.parse(line) as { type: string }).type);
      return types.includes("connected") && types.includes("configured");
    });
  });

  it("removes an agent only when told so twice", async () => {
    expect((await muster("remove", "sim-0002")).code).toBe(2);
    expect((await muster("remove", "sim-0002", "--yes")).code).toBe(0);
    await waitUntil("it is gone from the list", async () => {
      const { stdout } = await muster("agents");
      return stdout.includes("1 agent: 1 Up");
    });
    expect((await muster("agents", "--removed")).stdout).toMatch(/^sim-0002 +Removed/m);
  });

  it("ends its processes in order at SIGTERM, also when that comes twice at once", async () => {
    const agent = await cluster.startAgent("host-2", [gateway.agentUrl], { home: home() });
    agent.signal("SIGTERM");
    agent.signal("SIGTERM");
    expect(await agent.ended).toBe(0);
    await waitUntil("the manager knows that it said goodbye", async () =>
      (await muster("why", "host-2")).stdout.includes("goodbye"),
    );
  });
});
