/** A client over the Workers' connection behaves as every other client of Temporal. */
import { randomUUID } from "node:crypto";
import {
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from "@temporalio/client";
import { beforeAll, describe, expect, it } from "vitest";
import { coreClient } from "../../../src/temporal/index.ts";
import { useTemporal } from "../../helpers/temporal.ts";

const temporal = useTemporal();
let client: Client;
beforeAll(async () => {
  const connection = await temporal.nativeConnection();
  const { namespace } = temporal;
  client = coreClient({ connection, namespace, dataConverter: {} });
});

/** Nobody polls this queue: what needs a worker waits. */
const options = () => ({ workflowId: randomUUID(), taskQueue: "no-worker", args: [] });

describe("client over Core", () => {
  it("starts, signals and describes workflows", async () => {
    const given = options();
    await client.workflow.signalWithStart("any", { ...given, signal: "hello", signalArgs: ["a"] });
    const handle = client.workflow.getHandle(given.workflowId);
    await handle.signal("hello", "b");
    const history = await handle.fetchHistory();
    const signals = (history.events ?? []).filter(
      (event) => event.workflowExecutionSignaledEventAttributes != null,
    );
    expect(signals).toHaveLength(2);
    expect(await handle.describe()).toMatchObject({ type: "any" });
    await expect(client.workflow.start("any", given)).rejects.toThrow(
      WorkflowExecutionAlreadyStartedError,
    );
  });

  it("tells a workflow that is not there from a server that is not", async () => {
    const handle = client.workflow.getHandle(randomUUID());
    await expect(handle.signal("hello")).rejects.toThrow(WorkflowNotFoundError);
  });

  it("says in the details what the server said", async () => {
    const started = client.workflow.start("any", { ...options(), workflowId: "x".repeat(2_000) });
    const error: unknown = await started.catch((thrown: unknown) => thrown);
    const cause = error instanceof Error ? error.cause : undefined;
    expect(isGrpcServiceError(cause) && cause.details).toMatch(/exceeds maximum allowed length/);
  });

  it("keeps deadlines: an Update and a query that no worker takes", async () => {
    const handle = await client.workflow.start("any", options());
    const soon = () => Date.now() + 300;
    await expect(client.withDeadline(soon(), () => handle.executeUpdate("never"))).rejects.toThrow(
      WorkflowUpdateRPCTimeoutOrCancelledError,
    );
    await expect(client.withDeadline(soon(), () => handle.query("never"))).rejects.toSatisfy(
      (error) => isGrpcServiceError((error as Error).cause ?? error),
    );
  });
});
