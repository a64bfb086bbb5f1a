import { randomUUID } from "node:crypto";
import { Context } from "@temporalio/activity";
import { WorkflowUpdateFailedError } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { DefaultLogger, Runtime, Worker } from "@temporalio/worker";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { FleetGateway } from "../../../src/lifecycle/drains.ts";
import type { MoveAgentsArgs, MovedAgents } from "../../../src/workflows/activity-types.ts";
import {
  activitiesTaskQueue,
  gatewayTaskQueue,
  lifecycleTaskQueue,
  type GatewayRef,
} from "../../../src/workflows/agent-messages.ts";
import {
  balancerQuery,
  balancerType,
  cancelDrainUpdate,
  drainUpdate,
  fleetChangedSignal,
  pauseDrainUpdate,
  resumeDrainUpdate,
  type BalancerView,
  type DrainMessage,
  type DrainView,
} from "../../../src/workflows/balancer-messages.ts";
import { workflowBundle } from "../../helpers/bundle.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

Runtime.install({ logger: new DefaultLogger("ERROR") });

const temporal = useTemporal();
const running: { readonly worker: Worker; readonly run: Promise<void> }[] = [];

const never = new Promise<void>(() => undefined);

/** A fleet of counts, where moving is arithmetic. */
class Fleet {
  readonly counts = new Map<string, number>();
  readonly more = new Map<string, Partial<FleetGateway>>();
  readonly marks: string[] = [];
  readonly orders: (MoveAgentsArgs & { readonly from: string })[] = [];
  /** Agents that a slice moves at most. */
  sliceMax = Number.POSITIVE_INFINITY;
  /** A slice moves nobody before it. */
  hold: Promise<void> | undefined;
  /** After so many slices none moves anybody. */
  holdAfter: number | undefined;
  failing = false;

  gateways(): readonly FleetGateway[] {
    return [...this.counts].map(([id, agents]) => ({
      id,
      incarnation: "run-1",
      agentUrl: `ws://${id}/agent`,
      joined: true,
      weight: 1,
      clusters: { "zone/cluster": agents },
      ...this.more.get(id),
    }));
  }

  async move(from: string, args: MoveAgentsArgs): Promise<MovedAgents> {
    this.orders.push({ ...args, from });
    const { cancellationSignal } = Context.current();
    const beats = setInterval(() => {
      Context.current().heartbeat();
    }, 100);
    const cancelled = new Promise<void>((resolve) => {
      cancellationSignal.addEventListener("abort", () => {
        resolve();
      });
    });
    const holds =
      this.hold ?? (this.orders.length > (this.holdAfter ?? Infinity) ? never : undefined);
    await Promise.race([holds, ...(holds === undefined ? [] : [cancelled])]);
    clearInterval(beats);
    if (cancellationSignal.aborted) return { moved: 0, failed: 0 };
    if (this.failing) return { moved: 0, failed: 1 };
    let moved = 0;
    for (const { to, agents } of args.moves) {
      const count = Math.min(this.sliceMax - moved, agents);
      moved += count;
      this.counts.set(from, (this.counts.get(from) ?? 0) - count);
      this.counts.set(to, (this.counts.get(to) ?? 0) + count);
    }
    return { moved, failed: 0 };
  }
}

let fleet = new Fleet();
let workflowId = "";

async function startWorker(options: Parameters<typeof Worker.create>[0]): Promise<void> {
  const connection = await temporal.nativeConnection();
  const worker = await Worker.create({ connection, namespace: temporal.namespace, ...options });
  running.push({ worker, run: worker.run() });
}

beforeAll(async () => {
  await startWorker({ taskQueue: lifecycleTaskQueue, workflowBundle: await workflowBundle() });
  await startWorker({
    taskQueue: activitiesTaskQueue,
    activities: {
      readFleet: () => fleet.gateways(),
      markDraining: ({ gateway, draining }: { gateway: GatewayRef; draining: boolean }) => {
        fleet.marks.push(`${gateway.gatewayId} ${draining ? "drains" : "takes agents"}`);
      },
    },
  });
  for (const id of ["a", "b", "c"]) {
    await startWorker({
      taskQueue: gatewayTaskQueue(id),
      activities: { moveAgents: (args: MoveAgentsArgs) => fleet.move(id, args) },
    });
  }
});

afterAll(async () => {
  for (const { worker } of running) worker.shutdown();
  await Promise.all(running.map(({ run }) => run));
});

beforeEach(() => {
  fleet = new Fleet();
});

afterEach(async () => {
  await handle().terminate("the test is over");
});

function handle() {
  return temporal.client.workflow.getHandle(workflowId);
}

async function start(counts: Readonly<Record<string, number>>): Promise<void> {
  for (const [id, agents] of Object.entries(counts)) fleet.counts.set(id, agents);
  workflowId = `balancer-${randomUUID()}`;
  await temporal.client.workflow.start(balancerType, {
    workflowId,
    taskQueue: lifecycleTaskQueue,
    args: [],
  });
}

async function view(): Promise<BalancerView> {
  return await handle().query(balancerQuery);
}

async function drain(gatewayId: string, more: Partial<DrainMessage> = {}): Promise<DrainView> {
  return await handle().executeUpdate(drainUpdate, { args: [{ gatewayId, ...more }] });
}

async function untilDrainIs(state: string): Promise<DrainView> {
  return await waitUntil(`the drain is ${state}`, async () => {
    const found = (await view()).drains.at(-1);
    return found?.state === state && found;
  });
}

/** What the balancer did up to now is what its code does. */
async function replays(): Promise<void> {
  const history = await handle().fetchHistory();
  await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, workflowId);
}

const held = () => Object.fromEntries(fleet.counts);

test("balancer - a gateway that joins gets its share without anyone asking", async () => {
  await start({ a: 30 });
  await waitUntil("it has looked", async () => (await view()).lastLookAt !== undefined);
  fleet.counts.set("b", 0);
  await handle().signal(fleetChangedSignal, { reason: "gateway b joined" });
  await waitUntil("the shares are even", () => fleet.counts.get("b") === 15);
  expect(fleet.orders).toMatchObject([
    {
      from: "a",
      moves: [{ to: "b", agentUrl: "ws://b/agent", cluster: "zone/cluster", agents: 15 }],
    },
  ]);
  await waitUntil("the round has ended", async () => (await view()).lastRound?.moved === 15);
});

test("balancer - small differences move nobody", async () => {
  await start({ a: 102, b: 98 });
  await waitUntil("it has looked", async () => (await view()).lastLookAt !== undefined);
  expect(fleet.orders).toEqual([]);
});

test("balancer - weights are shares", async () => {
  fleet.more.set("b", { weight: 2 });
  await start({ a: 90, b: 0 });
  await waitUntil("b has twice as many", () => fleet.counts.get("b") === 60);
});

test("drain - empties the gateway at its rate, tells how far it is, and is over when none is left", async () => {
  await start({ a: 10, b: 10, c: 10 });
  fleet.sliceMax = 4;
  expect(await drain("a", { agentsPerSecond: 7, by: "kim" })).toMatchObject({ state: "draining" });
  expect(await untilDrainIs("drained")).toMatchObject({
    total: 10,
    moved: 10,
    failed: 0,
    left: 0,
    by: "kim",
  });
  expect(held()).toEqual({ a: 0, b: 15, c: 15 });
  expect(
    fleet.orders.every(({ agentsPerSecond, from }) => agentsPerSecond === 7 && from === "a"),
  ).toBe(true);
  expect(fleet.orders).toHaveLength(3);
  expect(fleet.marks).toEqual(["a drains"]);
});

test("drain - paused, nothing moves and nobody is taken; resumed, it goes on", async () => {
  await start({ a: 10, b: 10 });
  fleet.hold = new Promise(() => undefined);
  await drain("a");
  await waitUntil("agents are being moved", () => fleet.orders.length === 1);
  const message = { gatewayId: "a", by: "kim" };
  await handle().executeUpdate(pauseDrainUpdate, { args: [message] });
  await waitUntil("the balancer has looked again", async () => {
    const { round, drains } = await view();
    return round === undefined && drains[0]?.state === "paused";
  });
  expect(held()).toEqual({ a: 10, b: 10 });
  expect(fleet.marks).toEqual(["a drains"]);
  fleet.hold = undefined;
  await handle().executeUpdate(resumeDrainUpdate, { args: [message] });
  await untilDrainIs("drained");
  expect(held()).toEqual({ a: 0, b: 20 });
});

test("drain - cancelled, the gateway takes agents again and gets its share back", async () => {
  await start({ a: 20, b: 20 });
  fleet.sliceMax = 20;
  await drain("a");
  await untilDrainIs("drained");
  await handle().executeUpdate(cancelDrainUpdate, { args: [{ gatewayId: "a" }] });
  await waitUntil("the shares are even", () => fleet.counts.get("a") === 20);
  expect(fleet.marks).toEqual(["a drains", "a takes agents"]);
});

test("drain - of a gateway that gets agents just now, breaks that off and begins at once", async () => {
  fleet.hold = new Promise(() => undefined);
  await start({ a: 30, b: 2 });
  await waitUntil("agents are being moved to it", () => fleet.orders.length === 1);
  await drain("b");
  fleet.hold = undefined;
  expect(await untilDrainIs("drained")).toMatchObject({ moved: 2, left: 0 });
  expect(held()).toEqual({ a: 32, b: 0 });
  expect(fleet.orders.map(({ from }) => from)).toEqual(["a", "b"]);
  await replays();
});

test("drain - cancelled half way, those who took agents give some back", async () => {
  await start({ a: 20, b: 20 });
  fleet.sliceMax = 8;
  fleet.holdAfter = 1;
  await drain("a");
  await waitUntil("the second slice began", () => fleet.orders.length === 2);
  await handle().executeUpdate(cancelDrainUpdate, { args: [{ gatewayId: "a" }] });
  fleet.holdAfter = undefined;
  await waitUntil("the shares are even", () => fleet.counts.get("a") === 20);
  await replays();
});

test("drain - a gateway that stops or starts anew ends it", async () => {
  await start({ a: 10 });
  await drain("a");
  await waitUntil("nobody takes the agents", async () =>
    (await view()).drains[0]?.reason?.includes("no other gateway"),
  );
  fleet.more.set("a", { incarnation: "run-2" });
  await handle().signal(fleetChangedSignal, { reason: "gateway a joined" });
  expect(await untilDrainIs("gone")).toMatchObject({ moved: 0 });
});

test("drain - agents that could not move are tried again, and counted", async () => {
  await start({ a: 4, b: 4 });
  fleet.failing = true;
  await drain("a");
  await waitUntil("a try has failed", async () => ((await view()).drains[0]?.failed ?? 0) > 0);
  fleet.failing = false;
  await handle().signal(fleetChangedSignal, { reason: "gateway b is back" });
  expect(await untilDrainIs("drained")).toMatchObject({ moved: 4, left: 0 });
});

test("drain - asked for again, it takes the new rate", async () => {
  await start({ a: 4 });
  await drain("a", { agentsPerSecond: 1 });
  expect(await drain("a", { agentsPerSecond: 9 })).toMatchObject({ agentsPerSecond: 9 });
  expect((await view()).drains).toHaveLength(1);
});

test.each([
  ["pause of a gateway that does not drain", pauseDrainUpdate, { gatewayId: "a" }, "NOT_DRAINING"],
  ["drain without a gateway", drainUpdate, {}, "INVALID_REQUEST"],
  ["drain at no rate", drainUpdate, { gatewayId: "a", agentsPerSecond: 0 }, "INVALID_REQUEST"],
])("rubbish - a %s is refused and leaves no trace", async (_what, update, message, code) => {
  await start({ a: 4 });
  await waitUntil("it has looked", async () => (await view()).lastLookAt !== undefined);
  const asked = handle().executeUpdate(update as typeof drainUpdate, { args: [message as never] });
  const error: unknown = await asked.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
  const { cause } = error as WorkflowUpdateFailedError;
  expect(cause instanceof ApplicationFailure && cause.type).toBe(code);
  const { events } = await handle().fetchHistory();
  expect(events?.some(({ workflowExecutionUpdateAcceptedEventAttributes: a }) => a != null)).toBe(
    false,
  );
});
