/**
 * Lifecycle workers on a real Temporal, with fakes only at the outermost edge: the activities of gateways, Investigators
 * and the read model, each recording what it was asked and answering what the test says.
 */
import { randomUUID } from "node:crypto";
import { WorkflowUpdateFailedError, type WorkflowHandle } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { DefaultLogger, Runtime, Worker } from "@temporalio/worker";
import { afterAll, beforeAll } from "vitest";
import type {
  AgentEvent,
  AgentRecord,
  DeliveryRound,
  GatewayActivities,
  InvestigateArgs,
  Neighbour,
  WorkerActivities,
} from "../../../src/workflows/activity-types.ts";
import type { CheckOnHostAnswer, Finding } from "../../../src/api/index.ts";
import type { agentLifecycle } from "../../../src/workflows/agent-lifecycle.ts";
import {
  activitiesTaskQueue,
  admitUpdate,
  agentLifecycleType,
  agentWorkflowId,
  answerSignal,
  connectedSignal,
  disconnectSignal,
  gatewayTaskQueue,
  lifecycleTaskQueue,
  pingSignal,
  requestQuery,
  stateQuery,
} from "../../../src/workflows/agent-messages.ts";
import type {
  AdmitMessage,
  AdmitResult,
  AgentView,
  ConnectedMessage,
  DisconnectCause,
  GatewayRef,
  HostDescription,
  LifecycleSettings,
  PingMessage,
} from "../../../src/workflows/agent-messages.ts";
import { agentStartOptions } from "../../../src/workflows/start-options.ts";
import { webhooksTaskQueue } from "../../../src/workflows/webhook-messages.ts";
import { workflowBundle } from "../../helpers/bundle.ts";
import { useTemporal, type TestTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

Runtime.install({ logger: new DefaultLogger("ERROR") });

/** Far away deadlines, so that only what a test shortens can happen. */
export const calm: LifecycleSettings = {
  pingIntervalMs: 600_000,
  pingTimeoutMultiplier: 2.5,
  reconnectGraceMs: 600_000,
  alertWaitMs: 6_000_000,
  investigateRetryMs: 600_000,
};

export const g1: GatewayRef = { gatewayId: "g1", incarnation: "run-1" };

/** One call of an activity. */
export interface Call {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** What the fakes answer; a test changes what it needs, per agent where agents must not disturb each other. */
export class Edge {
  /** What the Investigators beside `agent` and `ping` answer, by activity type. */
  readonly investigators: Readonly<Record<string, (agentId: string) => Promise<unknown>>>;
  readonly calls: Call[] = [];
  readonly records: AgentRecord[] = [];
  /** How the next rounds of webhooks' deliveries end; a round waits for one. */
  readonly rounds: DeliveryRound[] = [];
  /** Set to make the read model fail, by the way it is asked. */
  recordFails: { local: boolean; normal: boolean } = { local: false, normal: false };
  silence: GatewayActivities["silence"] = () => Promise.resolve({ heldHere: false });
  deliver: GatewayActivities["deliver"] = ({ requests }) =>
    Promise.resolve({ written: requests.map(({ seq }) => seq), notWritten: [] });
  cancelRequest: GatewayActivities["cancelRequest"] = () => Promise.resolve();
  investigateByAgent: (agentId: string) => Promise<Finding> = () =>
    Promise.resolve({ verdict: "Unknown", evidence: "asked over its socket: no answer" });
  claimMaintenance: WorkerActivities["claimMaintenance"] = () =>
    Promise.resolve({ claimed: true, heldBy: [] });
  findDestinations: WorkerActivities["findDestinations"] = () => Promise.resolve([]);
  investigateByPing: (agentId: string) => Promise<unknown> = () =>
    Promise.resolve({ verdict: "Unknown", evidence: "3 echo requests: no reply" });

  askBrake: WorkerActivities["askBrake"] = () =>
    Promise.resolve({ held: false, reason: "no mass loss" });
  neighbours: (agentId: string) => readonly Neighbour[] = () => [];
  askNeighbour: (neighbour: string, agentId: string) => Promise<CheckOnHostAnswer> = (neighbour) =>
    Promise.resolve({ type: "CheckOnHostAnswer", commandId: neighbour, result: true, seen: false });

  constructor(investigators: Edge["investigators"] = {}) {
    this.investigators = investigators;
  }

  callsOf(name: string, agentId: string): readonly Call[] {
    return this.calls.filter((call) => call.name === name && call.args["agentId"] === agentId);
  }

  /** Every event of an agent once, in order of its number. */
  events(agentId: string): readonly AgentEvent[] {
    const byNo = new Map<number, AgentEvent>();
    for (const record of this.records) {
      if (record.agentId === agentId) for (const event of record.events) byNo.set(event.no, event);
    }
    return [...byNo.values()].sort((a, b) => a.no - b.no);
  }

  eventTypes(agentId: string): readonly string[] {
    return this.events(agentId).map((event) => event.type);
  }

  gatewayActivities(): GatewayActivities {
    const noted =
      (name: string, act: (args: never) => Promise<unknown>) =>
      (args: never): Promise<unknown> => {
        this.calls.push({ name, args });
        return act(args);
      };
    const nothing = () => Promise.resolve();
    return {
      deliver: noted("deliver", (args) => this.deliver(args)),
      reply: noted("reply", nothing),
      cancelRequest: noted("cancelRequest", (args) => this.cancelRequest(args)),
      silence: noted("silence", (args) => this.silence(args)),
      closeSession: noted("closeSession", nothing),
      applySettings: noted("applySettings", nothing),
      investigateByAgent: noted("investigateByAgent", ({ agentId }: { agentId: string }) =>
        this.investigateByAgent(agentId),
      ),
      askNeighbour: noted(
        "askNeighbour",
        ({ agentId, host }: { agentId: string; host: { agentId: string } }) =>
          this.askNeighbour(agentId, host.agentId),
      ),
      holdLease: noted("holdLease", nothing),
    } as unknown as GatewayActivities;
  }

  async deliverWebhook(): Promise<DeliveryRound> {
    return await waitUntil("a test says how the round ends", () => this.rounds.shift());
  }

  recordAgent(way: "local" | "normal", record: AgentRecord): Promise<void> {
    if (this.recordFails[way]) return Promise.reject(new Error("the database is away"));
    this.records.push(record);
    return Promise.resolve();
  }
}

export interface Rig {
  readonly temporal: TestTemporal;
  readonly edge: Edge;
  /** Stops the worker that runs the lifecycles and starts another, which knows nothing of them. */
  readonly restartLifecycles: () => Promise<void>;
}

/** Starts the workers for the tests of a file, with `investigators` beside `ping`, by activity type. */
export function useRig(investigators: Edge["investigators"] = {}): Rig {
  const temporal = useTemporal();
  const edge = new Edge(investigators);
  const workers: Worker[] = [];
  const running: Promise<void>[] = [];
  const basisOf = async () => ({
    connection: await temporal.nativeConnection(),
    namespace: temporal.namespace,
  });
  let lifecycles: { readonly worker: Worker; readonly running: Promise<void> } | undefined;
  const startLifecycles = async () => {
    const worker = await Worker.create({
      ...(await basisOf()),
      taskQueue: lifecycleTaskQueue,
      workflowBundle: await workflowBundle(),
      activities: { recordAgent: (record: AgentRecord) => edge.recordAgent("local", record) },
      enableNonLocalActivities: false,
    });
    lifecycles = { worker, running: worker.run() };
  };
  const stopLifecycles = async () => {
    lifecycles?.worker.shutdown();
    await lifecycles?.running;
  };
  beforeAll(async () => {
    const basis = await basisOf();
    const investigate = (name: string, answer: (agentId: string) => Promise<unknown>) => {
      return (args: InvestigateArgs) => {
        edge.calls.push({ name, args: { ...args } });
        return answer(args.agentId);
      };
    };
    const activities: WorkerActivities = {
      readFleet: () => Promise.resolve([]),
      markDraining: () => Promise.resolve(),
      recordGateway: () => Promise.resolve(),
      tellAgentsGatewayLost: () => Promise.resolve({ told: 0 }),
      claimMaintenance: (args) => {
        edge.calls.push({ name: "claimMaintenance", args });
        return edge.claimMaintenance(args);
      },
      releaseMaintenance: (args) => {
        edge.calls.push({ name: "releaseMaintenance", args });
        return Promise.resolve();
      },
      findDestinations: (args) => edge.findDestinations(args),
      recordAgent: (record) => edge.recordAgent("normal", record),
      askBrake: (args) => {
        edge.calls.push({ name: "askBrake", args });
        return edge.askBrake(args);
      },
      recordRecovery: (recovery) => {
        edge.calls.push({ name: "recordRecovery", args: { ...recovery } });
        return Promise.resolve({ workloads: [{ resource: "sim", name: "vm-1", power: "On" }] });
      },
      findNeighbours: ({ agentId }) => Promise.resolve(edge.neighbours(agentId)),
    };
    await startLifecycles();
    workers.push(
      await Worker.create({
        ...basis,
        taskQueue: activitiesTaskQueue,
        activities: {
          ...activities,
          investigateByPing: investigate("investigateByPing", (id) => edge.investigateByPing(id)),
          ...Object.fromEntries(
            Object.entries(edge.investigators).map(([type, answer]) => [
              type,
              investigate(type, answer),
            ]),
          ),
        },
      }),
      await Worker.create({
        ...basis,
        taskQueue: gatewayTaskQueue("g1"),
        activities: { ...edge.gatewayActivities() },
      }),
      await Worker.create({
        ...basis,
        taskQueue: webhooksTaskQueue,
        activities: { deliverWebhook: () => edge.deliverWebhook() },
      }),
    );
    running.push(...workers.map((worker) => worker.run()));
  });
  afterAll(async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all([...running, stopLifecycles()]);
  });
  return {
    temporal,
    edge,
    restartLifecycles: async () => {
      await stopLifecycles();
      await startLifecycles();
    },
  };
}

/** One agent as its gateway, its operators and the Temporal UI see it. */
export class AgentUnderTest {
  readonly agentId: string;
  readonly #rig: Rig;

  constructor(rig: Rig, name: string) {
    this.#rig = rig;
    this.agentId = `${name}-${randomUUID().slice(0, 8)}`;
  }

  get edge(): Edge {
    return this.#rig.edge;
  }

  get handle(): WorkflowHandle<typeof agentLifecycle> {
    return this.#rig.temporal.client.workflow.getHandle(agentWorkflowId(this.agentId));
  }

  /** As the gateway does it: one signalWithStart. */
  async connect(
    options: {
      epoch?: number;
      gateway?: GatewayRef;
      settings?: Partial<LifecycleSettings>;
      vouchForMs?: number;
      host?: Partial<HostDescription>;
    } = {},
  ): Promise<void> {
    const connected: ConnectedMessage = {
      epoch: options.epoch ?? 1,
      gateway: options.gateway ?? g1,
      host: {
        zone: "z1",
        cluster: "c1",
        resourceType: "simulator",
        software: "muster-agent/test",
        address: "192.0.2.1",
        resources: [{ name: "sim", resourceType: "simulator", version: "1" }],
        ...options.host,
      },
      settings: { ...calm, ...options.settings },
      ...(options.vouchForMs !== undefined && { vouchForMs: options.vouchForMs }),
    };
    await this.#rig.temporal.client.workflow.signalWithStart(agentLifecycleType, {
      ...agentStartOptions(this.agentId, connected),
      signal: connectedSignal,
      signalArgs: [connected],
    });
  }

  async ping(message: Partial<PingMessage> = {}): Promise<void> {
    await this.handle.signal(pingSignal, {
      epoch: 1,
      lastPingAgoMs: 0,
      vouchForMs: 0,
      ...message,
    });
  }

  async disconnect(cause: DisconnectCause, epoch = 1): Promise<void> {
    await this.handle.signal(disconnectSignal, { epoch, cause });
  }

  /** As the gateway does it: asked again with the same update id when a renewal got in the way. */
  async admit(message: Partial<AdmitMessage> = {}): Promise<AdmitResult> {
    const requestId = message.requestId ?? randomUUID();
    const whole = { commands: [command()], onError: "stop" as const, ...message, requestId };
    for (;;) {
      try {
        return await this.handle.executeUpdate(admitUpdate, { updateId: requestId, args: [whole] });
      } catch (error) {
        if (!isRenewal(error)) throw error;
      }
    }
  }

  async answer(seq: number, ...commandIds: readonly string[]): Promise<void> {
    await this.handle.signal(answerSignal, {
      seq,
      answers: commandIds.map((commandId) => ({ type: "ListVmsAnswer", commandId, result: true })),
      gateway: g1,
    });
  }

  view(): Promise<AgentView> {
    return this.handle.query(stateQuery);
  }

  async becomes(status: AgentView["status"]): Promise<AgentView> {
    return await waitUntil(`${this.agentId} is ${status}`, async () => {
      const view = await this.view();
      return view.status === status && view;
    });
  }

  async settled(requestId: string) {
    return await waitUntil(`Request ${requestId} is settled`, async () => {
      const request = await this.handle.query(requestQuery, requestId);
      return request?.state === "settled" && request.answers;
    });
  }

  /** Waits for events of these types, in this order, others in between allowed. */
  async saw(...types: readonly string[]): Promise<readonly AgentEvent[]> {
    return await waitUntil(`${this.agentId} saw ${types.join(", ")}`, () => {
      const events = this.edge.events(this.agentId);
      let next = 0;
      for (const event of events) if (event.type === types[next]) next++;
      return next >= types.length && events;
    });
  }

  /** Types of the events of the current run's history. */
  async history(): Promise<readonly string[]> {
    const { events } = await this.handle.fetchHistory();
    return (events ?? []).map(
      (event) => Object.keys(event).find((key) => key.endsWith("EventAttributes")) ?? "",
    );
  }

  async historyLength(): Promise<number> {
    return (await this.handle.describe()).historyLength;
  }
}

/** The `type` of the failure with which an Update was refused. */
export async function refusal(promise: Promise<unknown>): Promise<string | null | undefined> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
      return error.cause.type;
    }
    throw error;
  }
  throw new Error("The Update was not refused.");
}

/** The workflow task that was to take the Update failed, because a signal arrived as it renewed. */
function isRenewal(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message.includes("unexpected workflow task failure");
}

/** A read-only Command with an id of its own. */
export function command(type = "ListVms"): { type: string; id: string } {
  return { type, id: randomUUID() };
}
