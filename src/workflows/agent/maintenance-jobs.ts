/**
 * What an evacuation asks of Postgres, one question at a time, so that a place is never given back before the asking
 * for it is over. A question cut short by continue-as-new is put again by the next run: all are idempotent.
 */
import { CancellationScope, isCancellation, log } from "@temporalio/workflow";
import { isActive, needsDestinations } from "../../lifecycle/evacuation-state.ts";
import { evacuationSettings } from "../../lifecycle/evacuation-types.ts";
import type { Agent } from "./agent.ts";
import type { Inbound, MaintenanceJobEnded } from "./inbox.ts";
import { maintenanceBook } from "./outside.ts";

type Job = "claim" | "destinations" | "release";

export class MaintenanceJobs {
  readonly #agent: Agent;
  readonly #put: (inbound: Inbound) => void;
  #running:
    { readonly job: Job; readonly no: number; readonly scope: CancellationScope } | undefined;

  constructor(agent: Agent, put: (inbound: Inbound) => void) {
    this.#agent = agent;
    this.#put = put;
  }

  get idle(): boolean {
    return this.#running === undefined;
  }

  /** Ends a question whose answer nobody needs any more. */
  stopPointless(): void {
    const running = this.#running;
    // A place that is being given back must not be asked for anew at the same time.
    if (running === undefined || running.job === "release") return;
    if (running.job !== this.#due() || running.no !== this.#no) running.scope.cancel();
  }

  beginDue(): void {
    const job = this.#due();
    if (job === undefined || this.#running !== undefined) return;
    const no = this.#no;
    const scope = new CancellationScope();
    this.#running = { job, no, scope };
    // Whatever becomes of the asking, a place may be held from now on.
    if (job === "claim") this.#agent.state.slotHeld = true;
    scope
      .run(() => this.#ask(job, no))
      .then(
        (ended) => {
          this.#put(ended);
        },
        (error: unknown) => {
          if (!isCancellation(error)) log.error("maintenance job failed", { job, error });
          this.#put({ type: "maintenanceJobEnded", no, job: "stopped" });
        },
      );
  }

  /** What was asked has been answered. */
  ended(): void {
    this.#running = undefined;
  }

  get #no(): number {
    return this.#agent.state.evacuationNo ?? 0;
  }

  #due(): Job | undefined {
    const { evacuation, slotHeld } = this.#agent.state;
    if (evacuation == null || !isActive(evacuation))
      return slotHeld === true ? "release" : undefined;
    if (evacuation.phase === "claiming") return "claim";
    return needsDestinations(evacuation) ? "destinations" : undefined;
  }

  async #ask(job: Job, no: number): Promise<MaintenanceJobEnded> {
    const { agentId, host, settings } = this.#agent.state;
    const place = { agentId, zone: host?.zone ?? "", cluster: host?.cluster ?? "" };
    const where = `cluster ${place.cluster}`;
    switch (job) {
      case "claim": {
        const perCluster = settings.maintenancePerCluster ?? evacuationSettings.perCluster;
        const { claimMaintenance } = maintenanceBook(`Can ${where} spare this host?`);
        const { claimed, heldBy } = await claimMaintenance({ ...place, perCluster });
        return { type: "maintenanceJobEnded", no, job, heldBy: claimed ? undefined : heldBy };
      }
      case "destinations": {
        const { findDestinations } = maintenanceBook(`Who takes machines in ${where}?`);
        return {
          type: "maintenanceJobEnded",
          no,
          job,
          destinations: await findDestinations(place),
        };
      }
      case "release":
        await maintenanceBook("No longer prepared for maintenance").releaseMaintenance({ agentId });
        return { type: "maintenanceJobEnded", no, job };
    }
  }
}
