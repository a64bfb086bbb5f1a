import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadListeners, shapeProblem } from "../../../src/hooks/load-listeners.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-hooks-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let count = 0;
function module(text: string): string {
  const file = join(folder, `hook-${count++}.mjs`);
  writeFileSync(file, text);
  return file;
}
const load = (...modules: string[]) => loadListeners(modules, { process: "gateway" });

describe("modules of MUSTER_HOOK_MODULES", () => {
  it("a factory - gives its listener, and learns where it is loaded", async () => {
    const file = module(
      `export default async ({ process }) => ({ name: "in-" + process, onConnected() {} });`,
    );
    const [listener] = await load(file);
    expect(listener?.name).toBe("in-gateway");
  });

  it.each([
    ["a file that is not there", "./no/such/hook.mjs", /no module "\.\/no\/such\/hook\.mjs"/],
    ["text that is no module", "export {", /can't be loaded/],
    ["no default export", "export const listener = {};", /no default export/],
    ["a default export that is no function", "export default {};", /no default export/],
    [
      "a factory that fails",
      `export default () => { throw new Error("AUDIT_FILE is not set"); };`,
      /factory of .* failed: AUDIT_FILE is not set/,
    ],
    ["a factory that gives nothing", "export default () => undefined;", /gave no listener/],
  ])("%s - stops the process and names the variable", async (_what, text, message) => {
    const file = text.startsWith("./") ? text : module(text);
    const loading = load(file);
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toMatchObject({
      code: "CONFIG",
      variable: "MUSTER_HOOK_MODULES",
    });
  });

  it("two listeners of one name - are refused: logs and figures go by the name", async () => {
    const one = module(`export default () => ({ name: "same", onConnected() {} });`);
    const other = module(`export default () => ({ name: "same", onAnswers() {} });`);
    await expect(load(one, other)).rejects.toThrow(/two listeners called same/);
  });
});

class Base {
  readonly name = "a-class";
  onConnected(): void {
    // A method of a class is none of the object's own.
  }
}
class Derived extends Base {}

describe("shape of a listener", () => {
  it.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /not an object/],
    ["no name", { onConnected: () => undefined }, /needs a `name`/],
    ["a name that no label takes", { name: "a b", onConnected: () => undefined }, /needs a `name`/],
    ["no method", { name: "a" }, /none of the methods/],
    ["a misspelt method", { name: "a", onConected: () => undefined }, /onConected is not a method/],
    ["a method that is none", { name: "a", onConnected: true }, /onConnected is not a function/],
  ])("%s - is named", (_what, made, message) => {
    expect(shapeProblem(made)).toMatch(message);
  });

  it("plain objects and objects of classes - will do", () => {
    expect(shapeProblem({ name: "a.b-1", onAnswers: () => undefined })).toBeUndefined();
    expect(shapeProblem(new Base())).toBeUndefined();
    expect(shapeProblem(new Derived())).toBeUndefined();
  });
});
