/** The conformance kit: every Investigator that workers run passes it, and wrong ones do not. */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Finding, Investigator, LostHost } from "../../../src/api/index.ts";
import { BmcFile } from "../../../src/activities/investigators/bmc-file.ts";
import { createKvm } from "../../../src/activities/investigators/kvm.ts";
import { createPing } from "../../../src/activities/investigators/ping.ts";
import { createRedfish } from "../../../src/activities/investigators/redfish.ts";
import { createSimulator } from "../../../src/activities/investigators/simulator.ts";
import {
  InvestigatorCheckError,
  investigatorChecks,
  type MakeInvestigator,
} from "../../../src/investigator-kit/index.ts";

let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "muster-kit-"));
});
afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

const host: LostHost = { agentId: "h1", zone: "z", cluster: "c", resourceType: "any" };

const shipped: Readonly<Record<string, MakeInvestigator>> = {
  // A ping that gets no reply: what its TCP probes see decides.
  ping: ({ address, port }) => ({
    investigator: createPing("false"),
    host: { ...host, address, probePorts: [port] },
  }),
  kvm: ({ address, port }) => ({
    investigator: createKvm(`qemu+tcp://{address}:${port}/system`),
    host: { ...host, address },
  }),
  redfish: async ({ url, port }) => {
    const file = join(home, `bmcs-${port}.json`);
    const bmc = { url, username: "u", password: "p" };
    await writeFile(file, JSON.stringify({ bmcs: { [host.agentId]: bmc } }));
    await chmod(file, 0o600);
    return { investigator: createRedfish(new BmcFile(file)), host };
  },
  simulator: ({ url }) => ({
    investigator: createSimulator([]),
    host: { ...host, facts: { world: url } },
  }),
};

describe.each(Object.entries(shipped))("Investigator %s and the kit", (_name, make) => {
  it.each(investigatorChecks(make).map(({ name, run }) => [name, run] as const))(
    "%s",
    async (_check, run) => {
      await run();
    },
  );
});

/** An Investigator that does only what the test says. */
const wrong =
  (
    investigate: (host: LostHost, options: Parameters<Investigator["investigate"]>[1]) => unknown,
    fields: Partial<Investigator> = {},
  ): MakeInvestigator =>
  () => ({
    host: { ...host, address: "127.0.0.1" },
    investigator: {
      name: "wrong",
      summary: "guesses",
      investigate: (...args) => Promise.resolve(investigate(...args)) as Promise<Finding>,
      ...fields,
    },
  });
const unknown = { verdict: "Unknown", evidence: "no idea" };

/** Names of the checks that fail, with what they say. */
async function failures(make: MakeInvestigator): Promise<ReadonlyMap<string, string>> {
  const failed = new Map<string, string>();
  await Promise.all(
    investigatorChecks(make).map(async ({ name, run }) => {
      try {
        await run();
      } catch (error) {
        expect(error).toBeInstanceOf(InvestigatorCheckError);
        failed.set(name, String(error));
      }
    }),
  );
  return failed;
}

describe("wrong Investigators and the kit", () => {
  it.each([
    [
      "Down on silence",
      wrong(() => ({ verdict: "Down", evidence: "no reply", proof: "no reply" })),
      /where nothing proved it/,
    ],
    [
      "Down without proof",
      wrong(() => ({ verdict: "Down", evidence: "no reply" })),
      /Down without proof/,
    ],
    ["no evidence", wrong(() => ({ ...unknown, evidence: " " })), /without evidence/],
    ["no finding", wrong(() => ({ verdict: "Perhaps" })), /verdict is Perhaps/],
    [
      "an error for what it can't find out",
      wrong(() => Promise.reject(new Error("refused"))),
      /it failed: Error: refused/,
    ],
    [
      "no heed of the time",
      wrong(() => pause(5_000, unknown, { ref: false })),
      /had not ended .* ms later/,
    ],
    ["no summary", wrong(() => unknown, { summary: "" }), /summary is empty/],
    ["a bad name", wrong(() => unknown, { name: "Wrong One" }), /name "Wrong One"/],
    [
      "Up of a stranger",
      wrong(() => ({ verdict: "Up", evidence: "surely" })),
      /said Up of a host without address/,
    ],
  ])("%s - is found", async (_what, make, said) => {
    expect([...(await failures(make)).values()].join("\n")).toMatch(said);
  });

  it("what fails only when it is cancelled - is found there", async () => {
    const make = wrong((_host, { timeoutMs }) =>
      timeoutMs > 10_000 ? pause(20_000, unknown, { ref: false }) : unknown,
    );
    expect([...(await failures(make)).keys()].every((name) => name.includes("abort"))).toBe(true);
    expect((await failures(make)).size).toBe(2);
  });

  it("one that says Unknown of everything - passes", async () => {
    expect(await failures(wrong(() => unknown))).toEqual(new Map());
  });
});
