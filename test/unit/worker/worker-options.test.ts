import { describe, expect, it } from "vitest";
import { cachedWorkflows } from "../../../src/worker/worker-options.ts";

const GiB = 1_073_741_824;

describe("workflow cache", () => {
  it.each([
    [0.25 * GiB, 50],
    [1 * GiB, 482],
    [2 * GiB, 1_082],
    [16 * GiB, 2_000],
  ])("of a process with a heap of %d bytes holds %d", (heap, expected) => {
    expect(cachedWorkflows(heap)).toBe(expected);
  });
});
