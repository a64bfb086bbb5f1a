/** Investigators of third parties: loaded by workers at their start, or refused with what to change. */
import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pino } from "pino";
import { afterAll, describe, expect, test } from "vitest";
import { investigatorChecks } from "../../../src/investigator-kit/index.ts";
import type { Investigator } from "../../../src/api/index.ts";
import { loadInvestigatorModules } from "../../../src/worker/investigator-modules.ts";
import { runMuster } from "../../helpers/processes.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const example = join(root, "examples/pdu-investigator");
const { createPduInvestigator } = (await import(join(example, "index.js"))) as {
  createPduInvestigator: (outlets: Readonly<Record<string, string>>) => Investigator;
};
const folder = mkdtempSync(join(tmpdir(), "muster-modules-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const log = pino({ level: "silent" });
let count = 0;

function moduleOf(source: string): string {
  const path = join(folder, `module-${++count}.mjs`);
  writeFileSync(path, source);
  return path;
}
const named = (name: string) =>
  moduleOf(`export default { name: "${name}", summary: "s", investigate: async () => ({}) };`);

const checks = investigatorChecks(({ url }) => ({
  investigator: createPduInvestigator({ h: `${url}/outlets/1` }),
  host: { agentId: "h", zone: "z", cluster: "c", resourceType: "kvm" },
}));

describe("a module that is right", () => {
  test("an Investigator, or a factory of one - is loaded, in the order given", async () => {
    const factory = moduleOf(
      `export default async () => ({ name: "second", summary: "s", investigate() {} });`,
    );
    const loaded = await loadInvestigatorModules([named("first"), factory], log);
    expect(loaded.map(({ name }) => name)).toEqual(["first", "second"]);
  });

  test("the example - imports nothing but muster/api, and has its types", async () => {
    const source = readFileSync(join(example, "index.js"), "utf8");
    expect([...source.matchAll(/^import .* from "([^"]+)"/gm)]).toEqual([]);
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    // Rejects with the compiler's complaints when there are any.
    await promisify(execFile)(process.execPath, [tsc, "-p", example]);
  });

  test.each(checks.map(({ name, run }) => [name, run] as const))(
    "the example and the kit - %s",
    async (_name, run) => {
      await run();
    },
  );
});

describe("the kit from the package", () => {
  test("the example's own test - passes under Node's runner, with muster installed beside it", async () => {
    const copy = join(folder, "pdu-investigator");
    cpSync(example, copy, { recursive: true });
    mkdirSync(join(copy, "node_modules"));
    symlinkSync(root, join(copy, "node_modules", "muster"), "dir");
    // Rejects when a check fails.
    const { stdout } = await promisify(execFile)(process.execPath, ["--test"], {
      cwd: copy,
      // Node's runner takes a test of itself for a part of another one.
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    });
    expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThanOrEqual(checks.length);
  });
});

describe("a module that is wrong", () => {
  test.each([
    ["missing", () => "./no/such/module", /there is no module ".\/no\/such\/module"/],
    ["broken", () => moduleOf("export default {"), /can't be loaded/],
    ["without default export", () => moduleOf("export const name = 'x';"), /no Investigator/],
    ["no Investigator", () => moduleOf("export default 5;"), /no Investigator/],
    ["a bad name", () => named("Bad Name"), /its name is "Bad Name"/],
    ["no name", () => moduleOf("export default { summary: 's' };"), /its name is no text/],
    ["Muster's own name", () => named("redfish"), /taken by Muster itself/],
    ["the name of one in the gateways", () => named("neighbour"), /taken by Muster itself/],
    [
      "no summary",
      () => moduleOf("export default { name: 'x', investigate() {} };"),
      /x has no summary/,
    ],
    [
      "nothing to ask",
      () => moduleOf("export default { name: 'x', summary: 's' };"),
      /x has no method investigate/,
    ],
    [
      "a failing factory",
      () => moduleOf("export default () => { throw new Error('no licence'); };"),
      /its factory failed: no licence/,
    ],
  ])("%s - is refused with what to change", async (_what, make, said) => {
    const loading = loadInvestigatorModules([make()], log);
    await expect(loading).rejects.toMatchObject({ code: "INVESTIGATOR_MODULE" });
    await expect(loading).rejects.toThrow(/^MUSTER_INVESTIGATOR_MODULES: /);
    await expect(loading).rejects.toThrow(said);
  });

  test("two that would be the same activity - the second is refused, and the first named", async () => {
    const first = named("rack-pdu");
    const loading = loadInvestigatorModules([first, named("rack--pdu")], log);
    await expect(loading).rejects.toThrow(`taken by ${first} (investigateByRackPdu)`);
  });

  test("muster worker - stops at once and says why", async () => {
    const { code, stderr } = await runMuster(["worker"], {
      env: {
        MUSTER_INVESTIGATOR_MODULES: "./no/such/module",
        DATABASE_URL: "postgres://127.0.0.1:9/nothing",
        TEMPORAL_ADDRESS: "127.0.0.1:9",
      },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("[INVESTIGATOR_MODULE]");
  });
});
