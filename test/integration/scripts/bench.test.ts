/** `npm run bench` still runs: what it measures is not judged here. */
import { execa } from "execa";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("../../../scripts/bench.mjs", import.meta.url));

async function bench(...args: readonly string[]) {
  const { exitCode, stdout, stderr } = await execa("node", [script, ...args], {
    reject: false,
    forceKillAfterDelay: 60_000,
  });
  return { exitCode, stdout, stderr };
}

describe("bench", { timeout: 300_000 }, () => {
  it("help - names the benches; an unknown one is refused", async () => {
    const help = await bench("--help");
    expect(help).toMatchObject({ exitCode: 0 });
    for (const name of ["direct", "durable", "connect", "fleet", "idle", "storm", "--rounds"]) {
      expect(help.stdout).toContain(name);
    }
    expect(await bench("nothing")).toMatchObject({ exitCode: 2, stdout: "" });
  });

  it("a tiny fleet - is connected, asked and taken down, and the result is one line of JSON", async () => {
    const { exitCode, stdout, stderr } = await bench(
      ...["fleet", "--agents", "4", "--rounds", "1", "--json"],
    );
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const result = JSON.parse(stdout) as Readonly<Record<string, number>>;
    expect(result).toMatchObject({ bench: "fleet", unit: "agents/s", agents: 4, gateways: 2 });
    for (const field of ["figure", "floor", "ratio", "seconds", "floorSeconds", "firstSeconds"]) {
      expect(result[field]).toBeGreaterThan(0);
    }
  });
});
