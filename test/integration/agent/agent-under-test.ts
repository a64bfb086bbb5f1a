/** Runs the container in this process or, for kill -9, in one of its own; everything is stopped after each test. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterEach } from "vitest";
import type { AgentOptions } from "../../../src/agent/options.ts";
import { runAgent } from "../../../src/agent/run.ts";
import { readEffects } from "../../../src/resources/simulator/effects.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { FakeGateway, temporaryHome, type FakeGatewayOptions } from "./fake-gateway.ts";

const clean: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const step of clean.splice(0).reverse()) await step();
});

/** Has something undone after the test. */
export function afterTest(step: () => unknown): void {
  clean.push(async () => {
    await step();
  });
}

export async function startGateway(options: FakeGatewayOptions = {}, port = 0) {
  const gateway = await FakeGateway.start(options, port);
  afterTest(() => gateway.stop());
  return gateway;
}

/** An agent with a session at the one gateway that it knows; its pings have told it of another one, which joined later. */
export async function joinedLater(start: (url: string, home: Home) => unknown) {
  const others: string[] = [];
  const here = await startGateway({
    pingIntervalMs: 60,
    gatewaysOfPings: () => [here.url, ...others],
  });
  start(here.url, makeHome());
  const session = await here.session();
  const there = await startGateway();
  others.push(there.url);
  // Three pings may go without an Answer: the fourth says that the first was answered.
  const last = session.requests("Ping").length + 4;
  await waitUntil("a ping told of it", () => session.requests("Ping").length >= last);
  return { here, there };
}

/** A home for agents, and the file in which the simulator keeps what took effect. */
export function makeHome() {
  const home = temporaryHome();
  afterTest(home.remove);
  const stateFile = join(home.path, "state.jsonl");
  return {
    path: home.path,
    stateFile,
    agentDirectory: join(home.path, "agents", "a1"),
    /** How often a Command took effect, over all runs of the agent. */
    effectsOf: (id: string) => readEffects(stateFile).filter((effect) => effect.id === id).length,
  };
}

export type Home = ReturnType<typeof makeHome>;

export function agentOptions(
  home: Home,
  gateways: readonly string[],
  config: Readonly<Record<string, unknown>> = {},
): AgentOptions {
  return {
    agentId: "a1",
    gateways,
    home: home.path,
    joinToken: "join-token-of-this-test",
    frameBytesMax: 1_048_576,
    zone: "z1",
    cluster: "c1",
    resources: [{ module: "simulator", config: { stateFile: home.stateFile, ...config } }],
  };
}

/** The container in this process. */
export function startAgent(options: AgentOptions) {
  const stopping = new AbortController();
  const lines: string[] = [];
  const log = pino({ level: "warn" }, { write: (line) => lines.push(line) });
  const ended = runAgent(options, log, stopping.signal);
  // A failure is the test's to see through `ended`.
  ended.catch(() => undefined);
  const stop = async () => {
    stopping.abort();
    await ended;
  };
  afterTest(() => stop().catch(() => undefined));
  return { ended, stop, lines };
}

/** The container in a process of its own. */
export function spawnAgent(options: AgentOptions) {
  const script = fileURLToPath(new URL("agent-process.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, JSON.stringify(options)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  afterTest(() => kill(child));
  return { pid: child.pid ?? 0, kill: () => kill(child) };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

const pythonAgent = fileURLToPath(
  new URL("../../../examples/python-agent/agent.py", import.meta.url),
);

/** The example agent in Python, `heater-1`. */
export function startPython(
  gateways: readonly string[],
  home: string,
  joinToken = "join-token-of-this-test",
) {
  const options = gateways.flatMap((url) => ["--gateway", url]);
  const child = spawn("python3", [pythonAgent, ...options, "--id", "heater-1", "--home", home], {
    stdio: ["ignore", "ignore", "ignore"],
    env: { PATH: process.env["PATH"], MUSTER_JOIN_TOKEN: joinToken },
  });
  const end = async (name: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill(name);
    await exit;
  };
  afterTest(() => end("SIGKILL"));
  return { end };
}
