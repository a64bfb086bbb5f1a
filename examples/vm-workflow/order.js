/** Orders machines and tells what became of them: `node order.js <host>,<host>,… <count> [report|undo]`. */
import { Client, Connection } from "@temporalio/client";
import { dataConverter, temporal } from "./temporal.js";

const [hosts = "sim-0001,sim-0002,sim-0003", count = "10", onFailure = "report"] =
  process.argv.slice(2);
const connection = await Connection.connect({ address: temporal.address });
const client = new Client({ connection, namespace: temporal.namespace, dataConverter });
const workflowId = `vm-order-${Date.now()}`;
const handle = await client.workflow.start("startVms", {
  workflowId,
  taskQueue: temporal.taskQueue,
  args: [
    {
      hosts: hosts.split(","),
      vms: Array.from({ length: Number(count) }, (_, i) => `${workflowId}-${i + 1}`),
      spec: { cpuCount: 1, memoryBytes: 1024 ** 3 },
      onFailure,
    },
  ],
});
console.log(`${workflowId} is under way: kill the worker, it goes on when there is one again.`);
const { outcomes, undone } = await handle.result();
for (const { vm, host, state, why = "" } of outcomes) console.log(vm, host, state, why);
for (const { vm, host, stopped } of undone)
  console.log(vm, host, stopped ? "stopped" : "not stopped");
await connection.close();
