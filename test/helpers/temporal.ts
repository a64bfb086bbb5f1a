/** A Temporal namespace of its own for a test file: task queues and workflow ids are fixed names, so files must not share. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { NativeConnection } from "@temporalio/worker";
import { afterAll, beforeAll } from "vitest";
import { servers } from "./servers.ts";

export interface TestTemporal {
  /** `host:port`, as in TEMPORAL_ADDRESS. */
  readonly address: string;
  /** As in TEMPORAL_NAMESPACE. Empty, with Muster's search attributes. Known once `beforeAll` has run. */
  readonly namespace: string;
  readonly client: Client;
  /** For `Worker.create({ connection, namespace, … })`; opened at the first call, closed by the helper. */
  readonly nativeConnection: () => Promise<NativeConnection>;
}

/** Claims a namespace before the tests of this file (or describe block) and connects a client to it. */
export function useTemporal(): TestTemporal {
  let namespace: string | undefined;
  let client: Client | undefined;
  let native: Promise<NativeConnection> | undefined;

  beforeAll(async () => {
    namespace = claimNamespace();
    const connection = await Connection.connect({ address: servers().temporalAddress });
    client = new Client({ connection, namespace });
  });
  afterAll(async () => {
    await (await native)?.close();
    await client?.connection.close();
  });
  return {
    get address() {
      return servers().temporalAddress;
    },
    get namespace() {
      return known(namespace);
    },
    get client() {
      return known(client);
    },
    nativeConnection: () =>
      (native ??= NativeConnection.connect({ address: servers().temporalAddress })),
  };
}

/** A namespace that no other test of this run uses. Making a folder is atomic, also between processes. */
function claimNamespace(): string {
  const { namespaces, runDir } = servers();
  for (const name of namespaces) {
    try {
      mkdirSync(join(runDir, "namespaces", name));
      return name;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  throw new Error("All namespaces are taken: raise namespaceCount in servers-setup.ts.");
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("Temporal is there only once beforeAll has run.");
  return value;
}
