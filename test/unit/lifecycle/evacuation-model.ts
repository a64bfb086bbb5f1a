/** A host whose machines do what a test says, and an evacuation of it, played through in no time. */
import type { Answer, EvacuationPolicy, VmInfo } from "../../../src/api/index.ts";
import {
  beginEvacuation,
  evacuationWakeMs,
  isActive,
  needsDestinations,
  onClaim,
  onDestinations,
  onEvacuationAnswers,
  openRequests,
  stepEvacuation,
} from "../../../src/lifecycle/index.ts";
import type {
  Destination,
  Evacuation,
  EvacuationCommand,
  EvacuationNews,
  EvacuationRequest,
} from "../../../src/lifecycle/index.ts";

/** What becomes of one Command of an evacuation. */
export type Fate =
  | "done"
  | "refused"
  /** It had its effect, and nobody knows. */
  | "unknownButDone"
  | "unknown"
  | "notDelivered"
  | "cancelled"
  /** The agent says done, and the machine goes on running. */
  | "lie"
  | "noAnswer";

export class EvacuationModel {
  evacuation: Evacuation;
  nowMs = 0;
  readonly news: EvacuationNews[] = [];
  readonly sent: EvacuationRequest[] = [];
  readonly open = new Map<string, EvacuationRequest>();
  readonly powers = new Map<string, VmInfo["power"]>();
  destinations: readonly Destination[];
  fateOf: (command: EvacuationCommand) => Fate = () => "done";
  #id = 0;

  constructor(
    vms: readonly string[],
    destinations: readonly string[] = ["b", "c"],
    policy: EvacuationPolicy = "migrate",
    deadlineMs = 3_600_000,
  ) {
    for (const vm of vms) this.powers.set(vm, "On");
    this.destinations = destinations.map((agentId) => ({ agentId, migrateTo: `to-${agentId}` }));
    this.evacuation = beginEvacuation(1, "Enabled", { by: "ada", policy, deadlineMs }, 0);
  }

  get running(): readonly string[] {
    return [...this.powers].flatMap(([name, power]) => (power === "Off" ? [] : [name]));
  }

  /** Names of machines in the news of one kind. */
  told(step: EvacuationNews["step"]): readonly unknown[] {
    return this.news.filter((one) => one.step === step).map(({ data }) => data?.["vm"]);
  }

  claim(heldBy?: readonly string[]): this {
    onClaim(this.evacuation, heldBy, this.nowMs);
    return this;
  }

  /** One look of the main loop, as after a renewal each time. */
  step(
    world: { hostIsDown?: boolean; earlierPending?: boolean } = {},
  ): readonly EvacuationRequest[] {
    this.evacuation = JSON.parse(JSON.stringify(this.evacuation)) as Evacuation;
    const { requests, news } = stepEvacuation(this.evacuation, {
      nowMs: this.nowMs,
      newId: () => `r${++this.#id}`,
      resources: ["host"],
      hostIsDown: false,
      earlierPending: false,
      ...world,
    });
    this.news.push(...news);
    this.sent.push(...requests);
    for (const request of requests) this.open.set(request.requestId, request);
    if (needsDestinations(this.evacuation)) {
      onDestinations(this.evacuation, this.destinations);
      return [...requests, ...this.step(world)];
    }
    return requests;
  }

  /** Gives one open Request its Answer. */
  answer(requestId: string): void {
    const request = this.open.get(requestId);
    const command = request?.commands[0];
    if (command === undefined) return;
    const answer = this.#carryOut(command);
    if (answer === undefined) return;
    this.open.delete(requestId);
    this.news.push(...onEvacuationAnswers(this.evacuation, requestId, [answer], this.nowMs));
  }

  /** Until it ends: answers what is open, in the order that `pick` says, else lets time pass. */
  play(pick: (open: readonly string[]) => number = () => 0): this {
    for (let turn = 0; isActive(this.evacuation); turn++) {
      if (turn > 10_000) throw new Error("It never ends.");
      this.step();
      const open = openRequests(this.evacuation);
      const before = this.open.size;
      const chosen = open[pick(open) % Math.max(1, open.length)];
      if (chosen !== undefined) this.answer(chosen);
      if (before !== this.open.size || !isActive(this.evacuation)) continue;
      const wakeMs = evacuationWakeMs(this.evacuation);
      if (wakeMs !== undefined) this.nowMs = Math.max(this.nowMs, wakeMs);
    }
    return this;
  }

  #carryOut(command: EvacuationCommand): Answer | undefined {
    const fate = this.fateOf(command);
    const type = `${command.type}Answer`;
    const base = { type, commandId: "c", result: false } as const;
    if (fate === "noAnswer") return undefined;
    if (fate === "notDelivered")
      return { ...base, errorCode: "NOT_DELIVERED_IN_TIME", outcome: "notSent" };
    if (fate === "cancelled") return { ...base, errorCode: "CANCELLED", outcome: "notSent" };
    if (fate === "refused") return { ...base, errorCode: "NO_MEMORY", details: "no room" };
    if (fate === "unknown") return { ...base, errorCode: "NO_ANSWER_IN_TIME", outcome: "unknown" };
    if (command.type === "ListVms") {
      const vms = [...this.powers].map(([name, power]) => ({ name, power }));
      return { ...base, result: true, vms } as Answer;
    }
    if (fate !== "lie") {
      if (command.type === "StopVm") this.powers.set(command.vm, "Off");
      else this.powers.delete(command.vm);
    }
    if (fate === "unknownButDone") return { ...base, outcome: "unknown", errorCode: "AGENT_LOST" };
    return { ...base, result: true };
  }
}
