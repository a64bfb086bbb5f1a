/** A caller's Temporal worker: runs the workflow, and Muster's activities for it. */
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { NativeConnection, Worker } from "@temporalio/worker";
import { createCommandActivities } from "muster/workflow-activities";
import { dataConverter, temporal } from "./temporal.js";

const client = new Client({
  connection: await Connection.connect({ address: temporal.address }),
  namespace: temporal.namespace,
  dataConverter,
});
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: temporal.address }),
  namespace: temporal.namespace,
  dataConverter,
  taskQueue: temporal.taskQueue,
  workflowsPath: fileURLToPath(new URL("workflows.js", import.meta.url)),
  activities: createCommandActivities({ client }),
});
console.log("ready");
await worker.run();
await client.connection.close();
