/** Runs the errands of an agent's lifecycle: a few at once, in order, each until it is done or nobody is interested any more. */
import { getExternalWorkflowHandle, patched } from "@temporalio/workflow";
import { findRequest, isFinished } from "../../lifecycle/mailbox.ts";
import type { Agent } from "./agent.ts";
import type { QueuedErrand } from "./errands.ts";
import type { Inbound } from "./inbox.ts";
import { errandsAt } from "./outside.ts";
import { startRecovery } from "./recover.ts";

/** Errands at once: a mass of Answers for a lost gateway must not fill the history. */
const atOnce = 10;

export class ErrandJobs {
  readonly #agent: Agent;
  readonly #put: (inbound: Inbound) => void;
  readonly #running = new Map<number, QueuedErrand>();

  constructor(agent: Agent, put: (inbound: Inbound) => void) {
    this.#agent = agent;
    this.#put = put;
  }

  get idle(): boolean {
    return this.#running.size === 0;
  }

  beginDue(): void {
    for (const queued of this.#agent.state.errands) {
      if (this.#running.has(queued.no)) continue;
      if (this.#running.size >= atOnce && !this.#mayPass(queued)) continue;
      this.#begin(queued);
    }
  }

  ended(no: number): void {
    this.#running.delete(no);
  }

  /** Callers that are workflows wait for nothing else: they must not stand behind gateways that don't answer. */
  #mayPass({ errand }: QueuedErrand): boolean {
    if (errand.type !== "signalWorkflow") return false;
    const running = [...this.#running.values()];
    const alike = running.filter((one) => one.errand.type === "signalWorkflow").length;
    return alike < atOnce && patched("signals-pass-errands");
  }

  #begin(queued: QueuedErrand): void {
    const { no } = queued;
    this.#running.set(no, queued);
    this.#run(queued).then(
      () => {
        this.#put({ type: "errandDone", no });
      },
      (error: unknown) => {
        this.#put({ type: "errandDone", no, failure: String(error) });
      },
    );
  }

  /** Whether nobody is interested any more. */
  #isOver({ errand, notAfterMs }: QueuedErrand): boolean {
    if (notAfterMs >= this.#agent.nowMs) return false;
    const lasts = errand.type === "signalWorkflow" || errand.type === "cancelRequest";
    // Histories from before ended all errands so.
    return !(lasts && patched("lasting-errands"));
  }

  async #run(queued: QueuedErrand): Promise<void> {
    const { agentId } = this.#agent.state;
    if (this.#isOver(queued)) return;
    const { errand } = queued;
    switch (errand.type) {
      case "reply":
      case "signalWorkflow":
        await this.#tell(errand);
        return;
      case "recover":
        await startRecovery(this.#agent.state, errand);
        return;
      case "cancelRequest":
      case "closeSession":
      case "applySettings": {
        const { type, gatewayId, ...args } = errand;
        await errandsAt(gatewayId, type)[type]({ agentId, ...args } as never);
      }
    }
  }

  async #tell(errand: QueuedErrand["errand"] & { type: "reply" | "signalWorkflow" }) {
    const { agentId, mailbox } = this.#agent.state;
    const { requestId, seq } = errand;
    const request = findRequest(mailbox, requestId);
    if (request === undefined || !isFinished(request)) return;
    const message = { agentId, requestId, seq, answers: request.answers };
    if (errand.type === "reply") {
      await errandsAt(errand.gatewayId, `Answers to Request ${seq}`).reply(message);
    } else {
      await getExternalWorkflowHandle(errand.workflowId).signal(errand.signal, message);
    }
  }
}
