/** The state as it goes to the next run: Temporal refuses one above 2 MiB, for ever, so the least needed stays behind. */
import { log } from "@temporalio/workflow";
import { forgetAllBefore } from "../../lifecycle/mailbox-memory.ts";
import { sizeOf } from "../../lifecycle/size-of.ts";
import { untoldSeqs } from "./errands.ts";
import type { AgentState } from "./state.ts";

/** Leaves room for encryption. */
const carriedBytesMax = 1_800_000;
/** Events that are carried even then. */
const eventsKept = 50;

/** What stays behind, the least needed first. All but the last is bounded so that it hardly ever comes to this. */
const losses: readonly {
  readonly what: string;
  readonly leave: (state: AgentState, nowMs: number) => void;
}[] = [
  {
    what: "records of Requests that everybody knows the Answers of",
    leave: (state, nowMs) => {
      const untold = untoldSeqs(state.errands);
      state.mailbox.finished = state.mailbox.finished.filter(({ seq }) => untold.has(seq));
      forgetAllBefore(state.mailbox, nowMs);
    },
  },
  {
    what: "Answers of Requests that go on: their Responses bring them again",
    leave: (state) => {
      for (const request of state.mailbox.pending) {
        delete request.soFar;
        delete request.soFarBytes;
      }
    },
  },
  {
    what: "events that the read model was away for",
    leave: (state) => {
      state.unrecorded = state.unrecorded.slice(-eventsKept);
    },
  },
  {
    what: "replies to gateways: they ask by themselves when their callers' waits are over",
    leave: (state) => {
      state.errands = state.errands.filter(({ errand }) => errand.type !== "reply");
      const untold = untoldSeqs(state.errands);
      state.mailbox.finished = state.mailbox.finished.filter(({ seq }) => untold.has(seq));
    },
  },
];

/** Gives the state, without what would make it too large. */
export function carry(state: AgentState, nowMs: number): AgentState {
  let bytes = sizeOf(state);
  for (const { what, leave } of losses) {
    if (bytes <= carriedBytesMax) return state;
    leave(state, nowMs);
    const leftBytes = sizeOf(state);
    log.error("state too large to be carried", { bytes, leftBehind: what, leftBytes });
    bytes = leftBytes;
  }
  return state;
}
