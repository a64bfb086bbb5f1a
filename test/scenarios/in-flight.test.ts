/** Commands in flight while gateways die and agents move: nothing of them lives in a gateway alone. */
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readEffects } from "../../src/resources/simulator/effects.ts";
import { startTcpProxy, type TcpProxy } from "../helpers/tcp-proxy.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { useCluster, type CommandAnswer, type Gateway } from "./cluster.ts";
import type { MusterProcess } from "../helpers/processes.ts";

// A name that leads nowhere: an agent must not find its way round the proxies by what it learns.
const { cluster, home } = useCluster(() => ({ MUSTER_ADVERTISE_HOST: "gateway.invalid" }));
const gateways: Gateway[] = [];
const proxies: TcpProxy[] = [];
let agentId = "";
let number = 0;

beforeAll(async () => {
  await cluster.startWorker();
  for (const id of ["gateway-1", "gateway-2"]) {
    const gateway = await cluster.startGateway(id);
    gateways.push(gateway);
    proxies.push(await startTcpProxy(Number(new URL(gateway.agentUrl).port)));
  }
});
afterAll(async () => {
  for (const proxy of proxies) await proxy.close();
});

beforeEach(async () => {
  number += 1;
  agentId = `mover-${number}`;
  await startAgent(agentId);
  await cluster.untilStatus(agentId, "Up");
});

const stateFile = (id: string) => join(home(), `${id}.effects`);

/** RebootVm is in sequence and not idempotent; each takes a moment, so that many are under way. */
async function startAgent(id: string): Promise<MusterProcess> {
  return await cluster.startAgent(
    id,
    proxies.map(({ port }) => `ws://127.0.0.1:${port}`),
    { home: home(), config: { stateFile: stateFile(id), faults: { RebootVm: { delayMs: 100 } } } },
  );
}

interface Sent {
  readonly agentId: string;
  readonly requestId: string;
  readonly commandId: string;
}

function makeSent(id: string, count: number): readonly Sent[] {
  return Array.from({ length: count }, (_, i) => ({
    agentId: id,
    requestId: `${id}-request-${i}`,
    commandId: `${id}-command-${i}`,
  }));
}

async function ask({ agentId: id, requestId, commandId }: Sent, gateway: Gateway) {
  const commands = [{ type: "RebootVm", id: commandId, vm: "vm-1" }];
  const body = { commands, requestId, waitSeconds: 120 };
  const reply = await cluster.call("POST", `agents/${id}/commands`, body, gateway.apiUrl);
  return (reply.body as { answers?: readonly CommandAnswer[] }).answers?.[0];
}

/** Asks again, at one gateway after the other, as often as a gateway dies under it. */
async function askUntilAnswered(sent: Sent, first: number): Promise<CommandAnswer> {
  let turn = first;
  return await waitUntil(
    `${sent.requestId} is answered`,
    async () => {
      const gateway = gateways[turn++ % gateways.length];
      const answer = gateway === undefined ? undefined : await ask(sent, gateway);
      return answer?.errorCode === "NO_NEWS" ? undefined : answer;
    },
    { timeoutMs: 120_000, everyMs: 100 },
  );
}

async function seqOf({ requestId }: Sent): Promise<number | undefined> {
  const { status, body } = await cluster.call("GET", `requests/${requestId}`);
  return status === 200 ? (body as { seq: number }).seq : undefined;
}

async function restart(index: number): Promise<void> {
  const gateway = gateways[index];
  if (gateway === undefined) throw new Error(`There is no gateway ${index}.`);
  gateway.signal("SIGKILL");
  await gateway.ended;
  gateways[index] = await cluster.startGateway(`gateway-${index + 1}`, gateway);
}

describe("W23: what is in flight when every gateway dies", () => {
  it("Commands that run, and those that wait for an agent that is away, are not lost and take effect once", async () => {
    const away = { agentId: `${agentId}-away`, sent: makeSent(`${agentId}-away`, 20) };
    const awayAgent = await startAgent(away.agentId);
    await cluster.untilStatus(away.agentId, "Up");
    await awayAgent.stop();
    await cluster.untilStatus(away.agentId, "Disconnected");
    const here = { agentId, sent: makeSent(agentId, 20) };
    const all = [...here.sent, ...away.sent];
    const calls = all.map((one, i) => askUntilAnswered(one, i));
    await waitUntil("all are admitted", async () => {
      const seqs = await Promise.all(all.map(seqOf));
      return seqs.every((seq) => seq !== undefined);
    });
    await Promise.all([restart(0), restart(1)]);
    await startAgent(away.agentId);
    const answers = await Promise.all(calls);
    expect(answers.filter(({ result }) => !result)).toEqual([]);
    for (const { agentId: id, sent } of [here, away]) {
      const effects = readEffects(stateFile(id)).map((effect) => effect.id);
      expect(effects.toSorted()).toEqual(sent.map(({ commandId }) => commandId).toSorted());
    }
  });
});

describe("in-sequence Commands of an agent that moves from gateway to gateway", () => {
  it("take effect in the order of their numbers, each once", async () => {
    const sent = makeSent(agentId, 40);
    const calls = sent.map((one, i) => askUntilAnswered(one, i));
    for (let move = 1; move <= 4; move++) {
      await waitUntil(
        "more of them took effect",
        () => readEffects(stateFile(agentId)).length >= 7 * move,
      );
      const before = (await cluster.agent(agentId)).epoch ?? 0;
      // The gateway that it is at refuses it for a while: it goes to the other one, or comes back later.
      const [here, there] = move % 2 === 0 ? [proxies[0], proxies[1]] : [proxies[1], proxies[0]];
      there?.refuse(false);
      here?.refuse(true);
      for (const proxy of proxies) proxy.cut();
      await waitUntil("it is in a new session", async () => {
        const { epoch, status } = await cluster.agent(agentId);
        return status === "Up" && (epoch ?? 0) > before;
      });
    }
    for (const proxy of proxies) proxy.refuse(false);
    const answers = await Promise.all(calls);
    expect(answers.filter(({ result }) => !result)).toEqual([]);
    const seqs = new Map<string, number | undefined>();
    for (const one of sent) seqs.set(one.commandId, await seqOf(one));
    const order = readEffects(stateFile(agentId)).map(({ id }) => seqs.get(id) ?? 0);
    expect(order).toHaveLength(sent.length);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });
});
