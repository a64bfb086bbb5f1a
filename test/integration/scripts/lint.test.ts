import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lintPass } from "../../../scripts/lint.mjs";

const plugin = pathToFileURL(createRequire(import.meta.url).resolve("typescript-eslint")).href;
const rules = (extra: Record<string, unknown> = {}) => `
import tseslint from ${JSON.stringify(plugin)};
export default tseslint.config({ ignores: ["ignored/"] }, {
  files: ["**/*.ts"],
  extends: [tseslint.configs.base],
  languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  rules: ${JSON.stringify({
    "@typescript-eslint/no-floating-promises": "error",
    "@typescript-eslint/no-deprecated": "error",
    ...extra,
  })},
});
`;
const compilerOptions = {
  ...{ strict: true, noEmit: true, target: "es2023", lib: ["es2015"], types: [] },
  ...{ module: "nodenext", verbatimModuleSyntax: true, isolatedModules: true },
  allowImportingTsExtensions: true,
};
const good = {
  "first.ts": "export function first(): void {}\n",
  "second.ts": 'export { first as second } from "./first.ts";\n',
  "third.ts": 'import { second } from "./second.ts";\nsecond();\n',
  "apart.ts": "export const apart = 1;\n",
};

let folder = "";
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "muster-lint-")));
  write("package.json", '{"type":"module"}');
  write("package-lock.json", "{}");
  write("tsconfig.json", JSON.stringify({ compilerOptions }));
  write("eslint.config.js", rules());
  for (const [name, text] of Object.entries(good)) write(name, text);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

async function pass() {
  const { ok, output, linted } = await lintPass(folder);
  return { ok, output, linted: linted.toSorted() };
}

describe("lint pass", () => {
  it("looks at every file once, then at none until something changes", async () => {
    expect(await pass()).toEqual({ ok: true, output: "", linted: Object.keys(good).toSorted() });
    expect(await pass()).toEqual({ ok: true, output: "", linted: [] });
    write("apart.ts", "export const apart = 2;\n");
    expect((await pass()).linted).toEqual(["apart.ts"]);
  });

  it("finds what a change breaks in files that did not change, and goes on finding it", async () => {
    await pass();
    write("first.ts", "export async function first(): Promise<void> {}\n");
    for (const round of ["after the change", "again"]) {
      const { ok, output } = await pass();
      expect(ok, round).toBe(false);
      expect(output, round).toMatch(/third\.ts\n +2:1 +error +Promises must be awaited/);
      expect(output, round).not.toContain("apart.ts");
    }
    write("first.ts", good["first.ts"]);
    expect(await pass()).toMatchObject({ ok: true, output: "" });
  });

  it("finds users of what is deprecated by a comment only", async () => {
    await pass();
    write("first.ts", `/** @deprecated use another */\n${good["first.ts"]}`);
    expect((await pass()).output).toMatch(/third\.ts\n +2:1 +error .*deprecated/);
  });

  it("reports type errors, in files that did not change as well, each time", async () => {
    await pass();
    write("first.ts", "export function first(needed: number): void { void needed; }\n");
    for (const round of ["after the change", "again"]) {
      const { ok, output } = await pass();
      expect(ok, round).toBe(false);
      expect(output, round).toContain("third.ts(2,1): error TS2554");
    }
  });

  it("looks at everything again by other rules", async () => {
    await pass();
    write("eslint.config.js", rules({ "no-empty-function": "error" }));
    const { ok, output } = await pass();
    expect(ok).toBe(false);
    expect(output).toContain("first.ts\n");
  });

  it("looks at a file that has come, forgets one that has gone, and leaves out what is ignored", async () => {
    await pass();
    write("new.ts", "async function later(): Promise<void> {}\nlater();\n");
    mkdirSync(join(folder, "ignored"));
    write("ignored/bad.ts", "async function later(): Promise<void> {}\nlater();\n");
    const { output, linted } = await pass();
    expect(linted).toEqual(["new.ts"]);
    expect(output).toContain("new.ts\n");
    rmSync(join(folder, "new.ts"));
    expect(await pass()).toEqual({ ok: true, output: "", linted: [] });
  });

  it("refuses a file that no project knows, as its types are not known", async () => {
    write("tsconfig.json", JSON.stringify({ compilerOptions, exclude: ["apart.ts"] }));
    expect((await pass()).output).toContain("apart.ts\n");
    expect((await pass()).ok).toBe(false);
  });
});
