/** A resource in a package of its own: it imports `muster/api` and nothing else of Muster, and works in the container. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import {
  agentOptions,
  makeHome,
  spawnAgent,
  startAgent,
  startGateway,
} from "./agent-under-test.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const example = join(root, "examples/thermometer-resource");

function thermalZones(home: string): string {
  const directory = join(home, "thermal");
  for (const [zone, milli] of [
    ["thermal_zone0", "41500\n"],
    ["thermal_zone1", "38000\n"],
  ] as const) {
    mkdirSync(join(directory, zone), { recursive: true });
    writeFileSync(join(directory, zone, "temp"), milli);
  }
  return directory;
}

describe("resource in a package of its own", () => {
  test("imports - muster/api and Node's own modules, nothing else", () => {
    const source = readFileSync(join(example, "index.js"), "utf8");
    const imported = [...source.matchAll(/\bfrom "([^"]+)"|\bimport\("([^"]+)"\)/g)];
    const foreign = new Set(
      imported
        .map(([, name, dynamic]) => name ?? dynamic)
        .filter((name) => !name?.startsWith("node:")),
    );
    expect([...foreign]).toEqual(["muster/api"]);
  });

  test("types - it is a ServerResource as muster/api has it", async () => {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    // Rejects with the compiler's complaints when there are any.
    await promisify(execFile)(process.execPath, [tsc, "-p", example]);
  });

  test.each([
    ["where it stands in the repository", false],
    ["copied away, where no Muster is installed", true],
  ])("agent --resource - loads it %s", async (_where, copied) => {
    const gateway = await startGateway();
    const home = makeHome();
    const module = copied ? join(home.path, "my-resource") : example;
    if (copied) cpSync(example, module, { recursive: true });
    const config = { directory: thermalZones(home.path) };
    const options = agentOptions(home, [gateway.url]);
    spawnAgent({ ...options, resources: [{ module, config }] });
    const session = await gateway.session();
    expect(session.hello?.commands).toMatchObject([
      { name: "thermometer", resourceType: "thermometer", facts: { thermometers: 2 } },
    ]);
    const thermometer = "thermal_zone1";
    session.direct(1, [{ type: "ReadTemperature", id: "c1", thermometer }]);
    session.durable(1, [{ type: "StopVm", id: "c2", vm: "v" }]);
    expect(await session.answers("direct", 1)).toMatchObject([
      { type: "ReadTemperatureAnswer", result: true, celsius: { thermal_zone1: 38 } },
    ]);
    expect(await session.answers("durable", 1)).toMatchObject([{ type: "UnsupportedAnswer" }]);
  });
});

describe("limit of the manager", () => {
  test.each([
    [
      "answers",
      { celsius: 40 },
      { healthy: false, details: "It is 41.5 °C, and 40 °C is the limit." },
    ],
    ["does not know", { type: "UnsupportedAnswer", result: false }, { healthy: true }],
  ])("manager that %s - decides what a ping says", async (_what, answer, status) => {
    const gateway = await startGateway({ pingIntervalMs: 1_000, answer: () => answer });
    const home = makeHome();
    const options = agentOptions(home, [gateway.url]);
    const config = { directory: thermalZones(home.path) };
    spawnAgent({ ...options, resources: [{ module: example, config }] });
    const session = await gateway.session();
    await waitUntil("a ping says it", () =>
      session
        .requests("Ping")
        .some(({ resources }) =>
          isDeepStrictEqual(resources, [{ name: "thermometer", ...status }]),
        ),
    );
    expect(session.requests("TemperatureLimit").length).toBeGreaterThan(0);
  });
});

describe("resource that can't be loaded", () => {
  test.each([
    ["./no/such/place", /there is no module/],
    ["no-such-package-of-a-resource", /there is no module/],
    [join(root, "package.json"), /can't be loaded|no default export/],
  ])("%s - stops the agent with what to change", async (module, message) => {
    const options = agentOptions(makeHome(), ["ws://127.0.0.1:9"]);
    const { ended } = startAgent({ ...options, resources: [{ module, config: {} }] });
    await expect(ended).rejects.toMatchObject({ code: "RESOURCE_LOAD" });
    await expect(ended).rejects.toThrow(message);
  });

  test("factory that refuses its settings - stops the agent and names the setting", async () => {
    const options = agentOptions(makeHome(), ["ws://127.0.0.1:9"], { nonsense: 1 });
    const { ended } = startAgent(options);
    await expect(ended).rejects.toThrow(/nonsense: is not a setting/);
  });
});
