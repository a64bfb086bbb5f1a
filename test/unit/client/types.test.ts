/** What the compiler knows of Answers. `tsc` judges these; running them only proves that they are there. */
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  Command,
  ListVmsCommand,
  StartVmCommand,
  type Answer,
  type ErrorAnswer,
  type ListVmsAnswer,
  type StartVmAnswer,
  type StoppedByPreviousFailureAnswer,
  type UnsupportedAnswer,
  type VmInfo,
} from "../../../src/api/index.ts";
import type { AgentManager, BatchCall, RequestHandle } from "../../../src/client/index.ts";

interface PaintAnswer extends Answer {
  readonly type: "PaintAnswer";
  readonly coats?: number;
}
/** As third parties write theirs. */
class PaintCommand extends Command<PaintAnswer> {
  readonly type = "Paint";
  readonly colour: string;
  constructor(colour: string) {
    super();
    this.colour = colour;
  }
}
type NoAnswer = ErrorAnswer | UnsupportedAnswer;
type NoBatchAnswer = NoAnswer | StoppedByPreviousFailureAnswer;

/** Never called: only its types matter. */
async function typesOf(muster: AgentManager): Promise<void> {
  const startVm = new StartVmCommand({ vm: "a" });
  const paint = new PaintCommand("red");

  const started = await muster.send("host-1", startVm);
  expectTypeOf(started).toEqualTypeOf<StartVmAnswer | NoAnswer>();
  // Success is the Command's own Answer, without a look at its type.
  if (started.result) expectTypeOf(started.vm).toEqualTypeOf<VmInfo | undefined>();
  if (started.type === "ErrorAnswer") expectTypeOf(started.errorCode).toEqualTypeOf<string>();

  const painted = await muster.ask("host-1", paint);
  expectTypeOf(painted).toEqualTypeOf<PaintAnswer | NoAnswer>();
  if (painted.result) expectTypeOf(painted.coats).toEqualTypeOf<number | undefined>();

  const batch = muster.sendBatch("host-1", [startVm, paint]);
  expectTypeOf(batch).toExtend<BatchCall<readonly [StartVmCommand, PaintCommand]>>();
  const [first, second] = await batch;
  expectTypeOf(first).toEqualTypeOf<StartVmAnswer | NoBatchAnswer>();
  expectTypeOf(second).toEqualTypeOf<PaintAnswer | NoBatchAnswer>();
  for await (const { index, command, answer } of batch) {
    expectTypeOf(index).toEqualTypeOf<number>();
    expectTypeOf(command).toEqualTypeOf<StartVmCommand | PaintCommand>();
    expectTypeOf(answer).toEqualTypeOf<StartVmAnswer | PaintAnswer | NoBatchAnswer>();
  }

  const many: ListVmsCommand[] = [new ListVmsCommand()];
  expectTypeOf(await muster.askBatch("host-1", many)).toExtend<
    readonly (ListVmsAnswer | NoBatchAnswer)[]
  >();

  const handle = await muster.submit("host-1", startVm);
  expectTypeOf(handle).toEqualTypeOf<RequestHandle<StartVmAnswer | NoAnswer>>();
  expectTypeOf(await handle.result()).toEqualTypeOf<StartVmAnswer | NoAnswer>();
  const batchHandle = await muster.submitBatch("host-1", [startVm, paint]);
  expectTypeOf((await batchHandle.result())[1]).toEqualTypeOf<PaintAnswer | NoBatchAnswer>();
  const later = await muster.request("r-1");
  expectTypeOf(await later.result()).toEqualTypeOf<readonly Answer[]>();
}

describe("types", () => {
  it("calls - are typed by their Commands", () => {
    expect(typesOf).toBeTypeOf("function");
  });
});
