/** What the process of `muster sim` and those that simulate slices of its fleet say to each other, over Node's channel. */
import type { VmInfo } from "../../api/index.ts";
import type { SimOptions } from "../options.ts";
import type { Power } from "../power-switch.ts";
import type { StepType } from "../rehearsal/plan.ts";
import type { Slice } from "./slices.ts";

/** Which hosts to simulate. Holds secrets. */
export interface SliceOrder {
  readonly options: SimOptions;
  readonly slice: Slice;
  /** The agents' secrets are derived from it, so that ten thousand agents need one file. */
  readonly masterSecret: string;
  /** URL of the world, for Investigators. */
  readonly world: string;
}

/** What a process is asked about its hosts; the answers are those of FleetSlice's methods. */
export type SliceQuestion =
  | { readonly type: "news" | "powers" }
  | { readonly type: "look" | "isThere"; readonly host: number }
  | { readonly type: "setPower"; readonly host: number; readonly power: Power }
  | {
      readonly type: "receive";
      readonly host: number;
      readonly commandId: string;
      readonly vm: VmInfo;
    };

/** What a process asks about hosts that it does not have. */
export type ElsewhereQuestion =
  | { readonly type: "isThere"; readonly hostname: string }
  | {
      readonly type: "receive";
      readonly hostname: string;
      readonly commandId: string;
      readonly vm: VmInfo;
    };

export interface AskMessage<Q> {
  readonly type: "ask";
  readonly no: number;
  readonly question: Q;
}
export interface AnswerMessage {
  readonly type: "answer";
  readonly no: number;
  readonly answer?: unknown;
  /** Why there is none. */
  readonly failure?: string;
}

export type ToSlice =
  | { readonly type: "start"; readonly order: SliceOrder; readonly logLevel: string }
  | { readonly type: "strike"; readonly step: StepType; readonly hosts: readonly number[] }
  /** All say goodbye, and it ends. */
  | { readonly type: "stop" }
  | AskMessage<SliceQuestion>
  | AnswerMessage;

export type FromSlice =
  /** All its hosts have been connected. */
  | { readonly type: "open" }
  /** It can't run, and ends; says what to change. */
  | { readonly type: "failed"; readonly details: string }
  | AskMessage<ElsewhereQuestion>
  | AnswerMessage;
