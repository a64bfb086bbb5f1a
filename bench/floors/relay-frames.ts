/** The frames of the bare relay: the same fields and about the same bytes as Muster's own, and nothing checked. */
export interface BareFrame {
  readonly v: 1;
  readonly kind: "request" | "response";
  readonly seq: number;
  readonly lane: "direct";
  readonly waitMs?: number;
  readonly commands?: readonly { readonly type: string; readonly id: string }[];
  readonly answers?: readonly {
    readonly type: string;
    readonly commandId: string;
    readonly result: boolean;
  }[];
}

/** With the number of the agent that it goes to or comes from. */
export interface FanOutFrame extends BareFrame {
  readonly agent: number;
}
