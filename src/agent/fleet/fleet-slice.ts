import type { VmInfo } from "../../api/index.ts";
import type { Refusal } from "../../resources/index.ts";
import type { Power } from "../power-switch.ts";
import type { StepType } from "../rehearsal/plan.ts";
import type { TallyNews } from "../rehearsal/tally.ts";

export interface HostPower {
  readonly id: string;
  readonly power: Power;
}

/** What is seen of a host from outside. */
export interface HostView extends HostPower {
  readonly vms: readonly VmInfo[];
}

/** The hosts that one process simulates, wherever that runs; each by its number in the fleet, from 0. */
export interface FleetSlice {
  /**
   * Runs until the signal aborts and all have said goodbye.
   * @param onOpen called once, when all of them have been connected.
   * @throws SimProcessError when their process ended before.
   */
  run(signal: AbortSignal, onOpen: () => void): Promise<void>;
  strike(type: StepType, hosts: readonly number[]): void;
  /** What was not told yet of what they have been through. */
  news(): Promise<TallyNews>;
  powers(): Promise<readonly HostPower[]>;
  /** Undefined when there is no such host yet. */
  look(host: number): Promise<HostView | undefined>;
  setPower(host: number, power: Power): Promise<HostView | undefined>;
  /** Whether it runs and has power: what its neighbours see. */
  isThere(host: number): Promise<boolean>;
  /** Takes a VM in, or says why not. */
  receive(host: number, commandId: string, vm: VmInfo): Promise<Refusal | undefined>;
}
