/**
 * The workflows as they are now must be able to go on with histories made by the workflows as they were. To record anew
 * (only after a change that `patched` can't bridge and before anything of it is in use): RECORD_HISTORIES=1.
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporal } from "@temporalio/proto";
import { Worker } from "@temporalio/worker";
import { describe, expect, test } from "vitest";
import { workflowBundle } from "../helpers/bundle.ts";
import { useRig } from "../integration/workflows/rig.ts";
import { scenarios } from "./golden-scenarios.ts";

const folder = import.meta.dirname;
// The SDK's own historyToJSON and historyFromJSON need one copy of protobufjs in the tree; there are several.
const { History } = temporal.api.history.v1;

interface Golden {
  readonly workflowId: string;
  readonly history: Parameters<typeof History.fromObject>[0];
}

function load(text: string) {
  const { workflowId, history } = JSON.parse(text) as Golden;
  return { workflowId, history: History.fromObject(history) };
}

if (process.env["RECORD_HISTORIES"] === "1") {
  describe("golden histories", () => {
    const rig = useRig();
    test.each(Object.entries(scenarios))("%s - recorded anew", async (name, live) => {
      const handle = await live(rig);
      const history = History.toObject(History.fromObject(await handle.fetchHistory()), {
        bytes: String,
        enums: String,
        longs: String,
      });
      const golden = { workflowId: handle.workflowId, history: withoutMachine(history) };
      writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(golden, null, 1)}\n`);
    });
  });
}

/** Without what names the machine that it was recorded on. */
function withoutMachine(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMachine);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === "identity") return [key, "recorder"];
      if (key === "stackTrace") return [key, ""];
      return [key, withoutMachine(inner)];
    }),
  );
}

describe("replay", () => {
  const names = () => readdirSync(folder).filter((file) => file.endsWith(".json"));

  test("golden histories - there is one for each scenario", () => {
    expect(names().sort()).toEqual(Object.keys(scenarios).map((name) => `${name}.json`).sort());
  });

  test("golden histories - the workflows of today go on with every one of them", async () => {
    const histories = names().map((file) => load(readFileSync(join(folder, file), "utf8")));
    const failures: string[] = [];
    let replayed = 0;
    const results = Worker.runReplayHistories(
      { workflowBundle: await workflowBundle() },
      histories,
    );
    for await (const { workflowId, error } of results) {
      replayed++;
      if (error !== undefined) failures.push(`${workflowId}: ${error.message}`);
    }
    expect(failures).toEqual([]);
    expect(replayed).toBe(histories.length);
  });

  test("golden histories - the check notices a workflow that does something else", async () => {
    const file = readFileSync(join(folder, "agent-requests.json"), "utf8");
    const changed = load(file.replaceAll('"deliver"', '"deliverOtherwise"'));
    const results = Worker.runReplayHistories({ workflowBundle: await workflowBundle() }, [changed]);
    const { value } = (await results.next()) as { value: { error?: Error } };
    await results.return?.();
    expect(value.error?.message).toContain("deliver");
  });
});
