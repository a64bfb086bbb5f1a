import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { onStopSignals } from "../../../src/cli/stop-signals.ts";

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  nowMs = 0;
  readonly stop = onStopSignals(this, () => this.nowMs);

  exit(code: number): void {
    this.exits.push(code);
  }
}

describe("stop signals", () => {
  it.each(["SIGTERM", "SIGINT", "SIGHUP"])("%s asks to stop", (name) => {
    const process = new FakeProcess();
    expect(process.stop.aborted).toBe(false);
    process.emit(name);
    expect(process.stop.aborted).toBe(true);
    expect(process.exits).toEqual([]);
  });

  it("take a repetition at the same moment, as npm sends it, for the same asking", () => {
    const process = new FakeProcess();
    process.emit("SIGINT");
    process.nowMs = 100;
    process.emit("SIGINT");
    expect(process.exits).toEqual([]);
  });

  it("end the process at once when asked again", () => {
    const process = new FakeProcess();
    process.emit("SIGTERM");
    process.nowMs = 1_500;
    process.emit("SIGINT");
    expect(process.exits).toEqual([130]);
  });
});
