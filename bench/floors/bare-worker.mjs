/**
 * Worker of the bare workflow, a process of its own as Muster's worker is. Arguments: address, namespace, task queue.
 * JavaScript, as Muster's is once built: a loader for TypeScript keeps source maps of all that the sandbox compiles.
 */
import { fileURLToPath } from "node:url";
import { NativeConnection, Runtime, Worker, makeTelemetryFilterString } from "@temporalio/worker";

const [address = "", namespace = "", taskQueue = ""] = process.argv.slice(2);
Runtime.install({
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: "ERROR" }) } },
  shutdownSignals: ["SIGTERM"],
});
/** @type {import("@temporalio/worker").InjectedSinks<import("./bare-workflow.ts").BareSinks>} */
const sinks = {
  bench: {
    signalTaken: { fn: () => void process.stdout.write("taken\n"), callDuringReplay: false },
  },
};
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  sinks,
  workflowsPath: fileURLToPath(new URL("bare-workflow.ts", import.meta.url)),
});
process.stdout.write("ready\n");
await worker.run();
await connection.close();
