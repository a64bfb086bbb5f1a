import { describe, expect, it } from "vitest";
import {
  nextSocketState,
  type SocketEvent,
  type SocketState,
} from "../../../src/gateway/socket-state.ts";

const events: readonly SocketEvent[] = ["hello", "admitted", "ready", "closed"];
/** Columns in the order of `events`; undefined: not allowed. */
const table: Record<SocketState, readonly (SocketState | undefined)[]> = {
  OPENING: ["DECIDING", undefined, undefined, "CLOSED"],
  DECIDING: [undefined, "READYING", undefined, "CLOSED"],
  READYING: [undefined, undefined, "OPEN", "CLOSED"],
  OPEN: [undefined, undefined, undefined, "CLOSED"],
  CLOSED: [undefined, undefined, undefined, "CLOSED"],
};

describe("socket state", () => {
  it.each(Object.entries(table))("socket state - %s takes its own events only", (state, row) => {
    expect(events.map((event) => nextSocketState(state as SocketState, event))).toEqual(row);
  });
});
