/** What a gateway's lifecycle remembers, as plain JSON. */
import type { GatewayRef } from "../agent-messages.ts";

export interface GatewayState {
  readonly gatewayId: string;
  /**
   * - `lost`: no run of the gateway holds the lease (also before the first joined).
   * - `joined`: `incarnation` holds the lease, or is being asked to.
   * - `left`: `incarnation` said that it stops; its agents are told once its lease has ended.
   */
  membership: "joined" | "lost" | "left";
  incarnation: string | null;
  sinceMs: number;
  /** Of the last change, in words. */
  reason: string;
  /** Why it left, until its agents are told. */
  leftBecause: string | null;
  /** Leases in a row that ended soon after they began. */
  shortLeases: number;
  /** What others must still be told, in order. */
  duties: Duty[];
}

export type Duty =
  | {
      readonly type: "record";
      readonly gateway: GatewayRef;
      readonly state: "joined" | "lost" | "left";
      readonly reason: string;
    }
  | { readonly type: "tellAgents"; readonly gateway: GatewayRef; readonly reason: string };

export function newGatewayState(gatewayId: string, nowMs: number): GatewayState {
  return {
    gatewayId,
    membership: "lost",
    incarnation: null,
    sinceMs: nowMs,
    reason: "no run has joined yet",
    leftBecause: null,
    shortLeases: 0,
    duties: [],
  };
}
