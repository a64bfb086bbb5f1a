/**
 * A client whose calls go over the connection of the Workers, which is Rust: half the CPU time for each call of one in
 * JavaScript (docs/PERFORMANCE.md). Core would try a call again by rules of its own, which take a workflow between two
 * runs for an overloaded server: they are left out, and those of all other clients of Muster hold.
 */
import { Client, WorkflowService, type ConnectionLike } from "@temporalio/client";
import { native } from "@temporalio/core-bridge";
import type { NativeConnection } from "@temporalio/worker";
import { extractNativeClient } from "@temporalio/worker/lib/connection.js";
import type { ConnectedNative } from "./connect.ts";
import { untilAnswered } from "./retry.ts";

type Rpc = Parameters<typeof WorkflowService.create>[0];

/** The connection may be closed once no call is under way. Deadlines are kept; metadata and signals of a call are not. */
export function coreClient({ connection, ...settings }: ConnectedNative): Client {
  return new Client({ ...settings, connection: withOurRetries(connection) });
}

function withOurRetries(connection: NativeConnection): ConnectionLike {
  const { operatorService, plugins } = connection;
  return {
    workflowService: WorkflowService.create(rpcOver(connection), false, false),
    operatorService,
    plugins,
    close: () => connection.close(),
    ensureConnected: () => connection.ensureConnected(),
    withDeadline: (deadline, call) => connection.withDeadline(deadline, call),
    withMetadata: notSupported,
    withAbortSignal: notSupported,
  };
}

function notSupported(): never {
  throw new TypeError("Calls of this client take a deadline, and neither metadata nor a signal.");
}

function rpcOver(connection: NativeConnection): Rpc {
  const client = extractNativeClient(connection);
  return (method, request, callback) => {
    const { deadline = Infinity } = connection.callContextStorage.getStore() ?? {};
    const call = { rpc: method.name, req: request as Buffer, retry: false, metadata: {} };
    const send = (withinMs: number): Promise<Buffer> =>
      native.clientSendWorkflowServiceRequest(client, {
        ...call,
        timeout: withinMs === Infinity ? null : withinMs,
      });
    untilAnswered(send, Number(deadline)).then(
      (response) => {
        callback(null, response);
      },
      (error: unknown) => {
        callback(error as Error);
      },
    );
  };
}
