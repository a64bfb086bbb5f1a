import { randomUUID } from "node:crypto";
import type { GatewayRef } from "../workflows/agent-messages.ts";

/**
 * Who this gateway is at the moment. A gateway that lost its lease takes a new incarnation, so that what was said of
 * the old one can't hurt sessions of the new one.
 */
export class GatewaySelf implements GatewayRef {
  readonly gatewayId: string;
  readonly #incarnations: string[] = [randomUUID()];

  constructor(gatewayId: string) {
    this.gatewayId = gatewayId;
  }

  get incarnation(): string {
    return this.#incarnations.at(-1) ?? "";
  }

  /** Those that this process had before; undefined for its first. */
  get earlier(): readonly string[] | undefined {
    return this.#incarnations.length > 1 ? [...this.#incarnations] : undefined;
  }

  /** Whether that is, or was, an incarnation of this process. */
  was(incarnation: string): boolean {
    return this.#incarnations.includes(incarnation);
  }

  /** A copy that stays as it is. */
  ref(): GatewayRef {
    return { gatewayId: this.gatewayId, incarnation: this.incarnation };
  }

  renew(): void {
    this.#incarnations.push(randomUUID());
  }
}
