/** An agent whose host has machines: it answers what its lifecycle delivers, unless the test holds it back. */
import { answerSignal } from "../../../src/workflows/agent-messages.ts";
import type {
  DurableRequest,
  EnterMaintenanceMessage,
} from "../../../src/workflows/agent-messages.ts";
import { operatorUpdates, type OperatorVerb } from "../../../src/workflows/agent-messages.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { AgentUnderTest, g1, type Rig } from "./rig.ts";

type Command = DurableRequest["commands"][number];

export class EvacuatedHost extends AgentUnderTest {
  readonly powers = new Map<string, "On" | "Off">();
  /** Commands in the order of their delivery, each time that they are delivered. */
  readonly delivered: Command[] = [];
  /** Says for each Command whether it fails, is not answered, or succeeds. */
  fate: (command: Command) => "done" | "refused" | "held" = () => "done";
  readonly held: DurableRequest[] = [];

  constructor(rig: Rig, name: string, vms: readonly string[]) {
    super(rig, name);
    for (const vm of vms) this.powers.set(vm, "On");
    const { deliver, findDestinations } = this.edge;
    this.edge.deliver = async (args) => {
      if (args.agentId !== this.agentId) return await deliver(args);
      for (const request of args.requests) await this.#take(request);
      return { written: args.requests.map(({ seq }) => seq), notWritten: [] };
    };
    this.edge.findDestinations = async (args) =>
      args.agentId === this.agentId
        ? await Promise.resolve(this.neighbours.map((agentId) => ({ agentId, migrateTo: agentId })))
        : await findDestinations(args);
  }

  neighbours: readonly string[] = ["n1", "n2"];

  commandsOf(type: string): readonly Command[] {
    return this.delivered.filter((command) => command.type === type);
  }

  async ask(verb: OperatorVerb, message: EnterMaintenanceMessage = {}) {
    return await this.handle.executeUpdate(operatorUpdates[verb], {
      args: [{ by: "ada", ...message }],
    });
  }

  async resourceState(state: string) {
    return await waitUntil(`${this.agentId} is ${state}`, async () => {
      const view = await this.view();
      return view.resourceState === state && view;
    });
  }

  /** The steps of its evacuations, as the event log has them. */
  steps(): readonly unknown[] {
    return this.edge
      .events(this.agentId)
      .filter(({ type }) => type === "evacuation")
      .map(({ data }) => data?.["step"]);
  }

  /** Answers what was held back. */
  async release(): Promise<void> {
    this.fate = () => "done";
    for (const request of this.held.splice(0)) await this.#run(request);
  }

  async #take(request: DurableRequest): Promise<void> {
    this.delivered.push(...request.commands);
    await this.#run(request);
  }

  async #run(request: DurableRequest): Promise<void> {
    const [command] = request.commands;
    if (command === undefined) return;
    const fate = this.fate(command);
    if (fate === "held") {
      this.held.push(request);
      return;
    }
    const answer = {
      type: `${command.type}Answer`,
      commandId: command.id,
      result: fate === "done",
      ...(fate === "refused" && { errorCode: "NO_MEMORY", details: "no room" }),
      ...(fate === "done" && this.#carryOut(command)),
    };
    await this.handle.signal(answerSignal, { seq: request.seq, answers: [answer], gateway: g1 });
  }

  #carryOut({ type, vm }: Command): object {
    if (type === "ListVms") {
      return { vms: [...this.powers].map(([name, power]) => ({ name, power })) };
    }
    if (type === "StopVm") this.powers.set(String(vm), "Off");
    if (type === "MigrateVm") this.powers.delete(String(vm));
    return {};
  }
}
