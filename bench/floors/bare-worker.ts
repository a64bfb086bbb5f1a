/** Worker of the bare workflow, a process of its own as Muster's worker is. Arguments: address, namespace, task queue. */
import { fileURLToPath } from "node:url";
import { NativeConnection, Runtime, Worker, makeTelemetryFilterString } from "@temporalio/worker";

const [address = "", namespace = "", taskQueue = ""] = process.argv.slice(2);
Runtime.install({
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: "ERROR" }) } },
  shutdownSignals: ["SIGTERM"],
});
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  workflowsPath: fileURLToPath(new URL("bare-workflow.ts", import.meta.url)),
});
process.stdout.write("ready\n");
await worker.run();
await connection.close();
