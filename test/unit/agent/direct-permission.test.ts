import { describe, expect, it } from "vitest";
import { guarded } from "../../../src/agent/direct/guarded-resource.ts";
import { Permission } from "../../../src/agent/direct/permission.ts";
import type { ServerResource } from "../../../src/api/index.ts";

describe("the permission of a direct agent", () => {
  it("counts from the asking, however late the grant comes", () => {
    let nowMs = 1_000;
    const permission = new Permission(() => nowMs);
    const no = permission.ask();
    expect(permission.state).toBe("none");
    nowMs = 2_500;
    permission.granted(no, 3_000);
    expect(permission.state).toBe("holds");
    nowMs = 4_000;
    expect(permission.state).toBe("over");
  });

  it("that came while the process was stopped is over at once, and for good", () => {
    let nowMs = 0;
    const permission = new Permission(() => nowMs);
    permission.granted(permission.ask(), 3_000);
    const late = permission.ask();
    nowMs = 10_000;
    permission.granted(late, 3_000);
    permission.granted(permission.ask(), 3_000);
    expect(permission.state).toBe("over");
  });

  it("is not granted for an asking that nobody made", () => {
    const permission = new Permission(() => 0);
    permission.granted(7, 3_000);
    expect(permission.state).toBe("none");
  });

  it("is asked before each thing that the resource does", () => {
    const done: string[] = [];
    const resource = {
      name: "r",
      initialize: () => Promise.reject(new Error(String(done.push("initialize")))),
      currentStatus: () => Promise.reject(new Error(String(done.push("currentStatus")))),
      executeRequest: () => Promise.reject(new Error(String(done.push("executeRequest")))),
    } as ServerResource;
    const over = guarded(resource, () => {
      throw new Error("over");
    });
    const options = { signal: new AbortController().signal, waitMs: 1 };
    expect(() => over.initialize()).toThrow("over");
    expect(() => over.currentStatus()).toThrow("over");
    expect(() => over.executeRequest({ type: "T", id: "1" }, options)).toThrow("over");
    expect(done).toEqual([]);
  });
});
