import type { VmInfo } from "../../api/index.ts";
import type { HostsElsewhere, Refusal } from "../../resources/index.ts";
import type { Power } from "../power-switch.ts";
import type { StepType } from "../rehearsal/plan.ts";
import type { RehearsedFleet } from "../rehearsal/rehearse.ts";
import { FleetTally, type FleetCount } from "../rehearsal/tally.ts";
import type { WorldHosts } from "../world.ts";
import type { FleetSlice, HostPower, HostView } from "./fleet-slice.ts";
import { hostNumber } from "./slices.ts";

/** All hosts of a fleet, whichever process simulates them. */
export class WholeFleet implements WorldHosts, HostsElsewhere, RehearsedFleet {
  readonly #prefix: string;
  readonly #agents: number;
  readonly #tally: FleetTally;
  #slices: readonly FleetSlice[] = [];

  constructor(prefix: string, agents: number) {
    this.#prefix = prefix;
    this.#agents = agents;
    this.#tally = new FleetTally(agents);
  }

  /** From now on its hosts are known. @param slices by their index. */
  consistOf(slices: readonly FleetSlice[]): void {
    this.#slices = slices;
  }

  strike(type: StepType, hosts: readonly number[]): void {
    for (const [index, slice] of this.#slices.entries()) {
      const own = hosts.filter((host) => host % this.#slices.length === index);
      if (own.length > 0) slice.strike(type, own);
    }
  }

  /** Of a process that does not tell any more, what it told last counts. */
  async count(): Promise<FleetCount> {
    const all = await Promise.allSettled(this.#slices.map((slice) => slice.news()));
    for (const [index, news] of all.entries()) {
      if (news.status === "fulfilled") this.#tally.add(index, news.value);
    }
    return this.#tally.count();
  }

  /** In the order of their numbers. */
  async powers(): Promise<readonly HostPower[]> {
    const all = await Promise.all(this.#slices.map((slice) => slice.powers()));
    return Array.from({ length: this.#agents }, (_, host) => {
      const { length } = this.#slices;
      return all[host % length]?.[Math.floor(host / length)];
    }).filter((power) => power !== undefined);
  }

  async look(id: string): Promise<HostView | undefined> {
    const found = this.#find(id);
    return await found?.slice.look(found.host);
  }

  async setPower(id: string, power: Power): Promise<HostView | undefined> {
    const found = this.#find(id);
    return await found?.slice.setPower(found.host, power);
  }

  async isThere(id: string): Promise<boolean> {
    const found = this.#find(id);
    return (await found?.slice.isThere(found.host)) ?? false;
  }

  async receive(id: string, commandId: string, vm: VmInfo): Promise<Refusal | undefined> {
    const found = this.#find(id);
    if (found !== undefined) return await found.slice.receive(found.host, commandId, vm);
    return { code: "DESTINATION_NOT_FOUND", message: `This fleet has no host ${id}.` };
  }

  #find(id: string): { readonly host: number; readonly slice: FleetSlice } | undefined {
    const host = hostNumber(this.#prefix, this.#agents, id);
    const slice = host === undefined ? undefined : this.#slices[host % this.#slices.length];
    return host === undefined || slice === undefined ? undefined : { host, slice };
  }
}
