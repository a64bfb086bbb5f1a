import { expect, test } from "vitest";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { searchAttributeKeys, searchAttributeNames } from "../../../src/workflows/start-options.ts";

const database = useDatabase();
const temporal = useTemporal();

test("a test file's database - has the schema and no rows", async () => {
  const { rows } = await database.pool.query("SELECT count(*) FROM agents");
  expect(rows).toEqual([{ count: 0 }]);
});

test("a test file's namespace - knows Muster's search attributes", async () => {
  const { customAttributes } =
    await temporal.client.connection.operatorService.listSearchAttributes({
      namespace: temporal.namespace,
    });
  expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining([...searchAttributeNames]));
});

test("a test file's namespace - runs workflows at once", async () => {
  const handle = await temporal.client.workflow.start("nothing", {
    taskQueue: "none",
    workflowId: "nothing",
    typedSearchAttributes: [{ key: searchAttributeKeys.status, value: "Up" }],
  });
  expect((await handle.describe()).status.name).toBe("RUNNING");
});
