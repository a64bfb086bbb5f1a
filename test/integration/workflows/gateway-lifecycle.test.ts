import { randomUUID } from "node:crypto";
import { CancelledFailure, Context, heartbeat } from "@temporalio/activity";
import { DefaultLogger, Runtime, Worker } from "@temporalio/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WorkerActivities } from "../../../src/workflows/activity-types.ts";
import {
  activitiesTaskQueue,
  gatewayTaskQueue,
  lifecycleTaskQueue,
} from "../../../src/workflows/agent-messages.ts";
import {
  gatewayLifecycleType,
  gatewayStateQuery,
  gatewayWorkflowId,
  joinedSignal,
  leavingSignal,
} from "../../../src/workflows/gateway-messages.ts";
import { gatewayStartOptions } from "../../../src/workflows/start-options.ts";
import { workflowBundle } from "../../helpers/bundle.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

Runtime.install({ logger: new DefaultLogger("ERROR") });

const temporal = useTemporal();
const told: Parameters<WorkerActivities["tellAgentsGatewayLost"]>[0][] = [];
const recorded: Parameters<WorkerActivities["recordGateway"]>[0][] = [];
const workers: Worker[] = [];
const running: Promise<void>[] = [];

async function startWorker(
  options: Parameters<typeof Worker.create>[0],
): Promise<() => Promise<void>> {
  const worker = await Worker.create({
    connection: await temporal.nativeConnection(),
    namespace: temporal.namespace,
    ...options,
  });
  const run = worker.run();
  workers.push(worker);
  running.push(run);
  return async () => {
    worker.shutdown();
    await run;
  };
}

beforeAll(async () => {
  await startWorker({ taskQueue: lifecycleTaskQueue, workflowBundle: await workflowBundle() });
  await startWorker({
    taskQueue: activitiesTaskQueue,
    activities: {
      recordGateway: (args: (typeof recorded)[number]) => void recorded.push(args),
      tellAgentsGatewayLost: (args: (typeof told)[number]) => {
        told.push(args);
        return { told: 0 };
      },
    },
  });
});
afterAll(async () => {
  for (const worker of workers) if (worker.getState() === "RUNNING") worker.shutdown();
  await Promise.all(running);
});

/** A gateway at its outermost edge: it joins, and holds leases until told to let go or to fall silent. */
class GatewayUnderTest {
  readonly gatewayId = `g-${randomUUID().slice(0, 8)}`;
  readonly held: string[] = [];
  readonly #endings: ((how: "give back" | "fall silent") => void)[] = [];

  async poll(): Promise<() => Promise<void>> {
    return await startWorker({
      taskQueue: gatewayTaskQueue(this.gatewayId),
      activities: { holdLease: (args: { incarnation: string }) => this.#holdLease(args) },
    });
  }

  async #holdLease({ incarnation }: { incarnation: string }): Promise<void> {
    this.held.push(incarnation);
    let ending: string | undefined;
    this.#endings.push((how) => (ending = how));
    for (;;) {
      if (ending === "give back") return;
      if (ending === undefined) heartbeat();
      try {
        await Context.current().sleep(ending === undefined ? 100 : 60_000);
      } catch (error) {
        if (error instanceof CancelledFailure) throw error;
      }
    }
  }

  endLease(index: number, how: "give back" | "fall silent"): void {
    this.#endings[index]?.(how);
  }

  async joined(incarnation: string): Promise<void> {
    await temporal.client.workflow.signalWithStart(gatewayLifecycleType, {
      ...gatewayStartOptions(this.gatewayId),
      signal: joinedSignal,
      signalArgs: [{ incarnation, version: "0.1.0" }],
    });
  }

  async leaving(incarnation: string): Promise<void> {
    await this.#handle.signal(leavingSignal, { incarnation, reason: "upgrade" });
  }

  get #handle() {
    return temporal.client.workflow.getHandle(gatewayWorkflowId(this.gatewayId));
  }

  async becomes(state: string): Promise<void> {
    await waitUntil(`${this.gatewayId} is ${state}`, async () => {
      return (await this.#handle.query(gatewayStateQuery)).state === state;
    });
  }

  async holds(leases: number): Promise<void> {
    await waitUntil(`${leases} leases were asked of it`, () => this.held.length >= leases);
  }

  recorded(): readonly string[] {
    return recorded
      .filter(({ gateway }) => gateway.gatewayId === this.gatewayId)
      .map(({ gateway, state }) => `${gateway.incarnation} ${state}`);
  }

  async told(...incarnations: readonly string[]): Promise<void> {
    const mine = () => told.filter(({ gateway }) => gateway.gatewayId === this.gatewayId);
    await waitUntil(
      `agents of ${incarnations.join(", ")} are told`,
      () => mine().length >= incarnations.length,
    );
    expect(mine().map(({ gateway }) => gateway.incarnation)).toEqual(incarnations);
  }
}

test("gatewayLifecycle - a gateway that holds its lease is a member", async () => {
  const gateway = new GatewayUnderTest();
  await gateway.poll();
  await gateway.joined("run-1");
  await gateway.holds(1);
  await gateway.becomes("joined");
  expect(gateway.recorded()).toEqual([]);
});

test("gatewayLifecycle - one that died is lost: its row is marked, its agents are told", async () => {
  const gateway = new GatewayUnderTest();
  const stop = await gateway.poll();
  await gateway.joined("run-1");
  await gateway.holds(1);
  gateway.endLease(0, "give back");
  await gateway.becomes("lost");
  await gateway.told("run-1");
  expect(gateway.recorded()).toEqual(["run-1 lost"]);
  await gateway.joined("run-1");
  await gateway.becomes("joined");
  await gateway.holds(2);
  await waitUntil("its row says so", () => gateway.recorded().includes("run-1 joined"));
  gateway.endLease(1, "give back");
  await gateway.becomes("lost");
  await stop();
});

test("gatewayLifecycle - a missed heartbeat is no death: a gateway that takes the lease up again stays a member", async () => {
  const gateway = new GatewayUnderTest();
  await gateway.poll();
  await gateway.joined("run-1");
  await gateway.holds(1);
  gateway.endLease(0, "fall silent");
  await gateway.holds(2);
  await gateway.becomes("joined");
  expect(gateway.recorded()).toEqual([]);
});

test("gatewayLifecycle - one that nobody can reach is lost", async () => {
  const gateway = new GatewayUnderTest();
  await gateway.joined("run-1");
  await gateway.becomes("lost");
  await gateway.told("run-1");
});

test("gatewayLifecycle - a newer run takes the place of the older, whose agents are told", async () => {
  const gateway = new GatewayUnderTest();
  await gateway.poll();
  await gateway.joined("run-1");
  await gateway.holds(1);
  await gateway.joined("run-2");
  await gateway.holds(2);
  await gateway.told("run-1");
  await gateway.becomes("joined");
  expect(gateway.recorded()).toEqual(["run-1 lost"]);
  expect(gateway.held).toEqual(["run-1", "run-2"]);
});

test("gatewayLifecycle - one that leaves has left; agents that it still had are told when its lease ends", async () => {
  const gateway = new GatewayUnderTest();
  await gateway.poll();
  await gateway.joined("run-1");
  await gateway.holds(1);
  await gateway.leaving("run-1");
  await gateway.becomes("left");
  await waitUntil("its row says so", () => gateway.recorded().length === 1);
  expect(gateway.recorded()).toEqual(["run-1 left"]);
  expect(told.some(({ gateway: { gatewayId } }) => gatewayId === gateway.gatewayId)).toBe(false);
  gateway.endLease(0, "give back");
  await gateway.told("run-1");
  await gateway.joined("run-2");
  await gateway.becomes("joined");
  await gateway.told("run-1");
});
