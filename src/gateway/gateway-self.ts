import { randomUUID } from "node:crypto";
import type { GatewayRef } from "../workflows/agent-messages.ts";

/**
 * Who this gateway is at the moment. A gateway that lost its lease takes a new incarnation, so that what was said of
 * the old one can't hurt sessions of the new one.
 */
export class GatewaySelf implements GatewayRef {
  readonly gatewayId: string;
  incarnation: string = randomUUID();

  constructor(gatewayId: string) {
    this.gatewayId = gatewayId;
  }

  /** A copy that stays as it is. */
  ref(): GatewayRef {
    return { gatewayId: this.gatewayId, incarnation: this.incarnation };
  }

  renew(): void {
    this.incarnation = randomUUID();
  }
}
