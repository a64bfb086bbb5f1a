import { describe, expect, it } from "vitest";
import { cachedWorkflows } from "../../../src/worker/worker-options.ts";

const GiB = 1_073_741_824;

describe("workflow cache", () => {
  it.each([
    [0.2 * GiB, 50],
    [0.25 * GiB, 131],
    [1 * GiB, 1_931],
    [2 * GiB, 4_331],
    [16 * GiB, 10_000],
  ])("of a process with a heap of %d bytes holds %d", (heap, expected) => {
    expect(cachedWorkflows(heap)).toBe(expected);
  });
});
