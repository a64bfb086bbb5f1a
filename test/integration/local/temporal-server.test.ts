import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findTemporalBinary } from "../../../src/local/temporal-binary.ts";
import {
  startTemporalServer,
  type TemporalServer,
  type TemporalServerOptions,
} from "../../../src/local/temporal-server.ts";
import { servers } from "../../helpers/servers.ts";

let folder: string;
const running: TemporalServer[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-temporal-"));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  rmSync(folder, { recursive: true });
});

describe("embedded Temporal", () => {
  test("SIGKILL and start - keeps workflows, on the same port", async () => {
    const databaseFile = join(folder, "temporal.db");
    const first = await start({ databaseFile, uiPort: "headless" });
    await withClient(first.address, (client) =>
      client.workflow.start("kept", { taskQueue: "none", workflowId: "kept" }),
    );
    process.kill(first.pid, "SIGKILL");
    await first.ended;
    const port = Number(first.address.split(":")[1]);
    const second = await start({ databaseFile, uiPort: "headless", port });
    const status = await withClient(second.address, async (client) => {
      return (await client.workflow.getHandle("kept").describe()).status.name;
    });
    expect(status).toBe("RUNNING");
  });

  test("its UI - answers when it was asked for", async () => {
    const { uiUrl } = await start({});
    expect((await fetch(uiUrl ?? "")).status).toBe(200);
  });

  test("a busy port - is refused with what to do", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    try {
      const { port } = other.address() as AddressInfo;
      await expect(start({ port })).rejects.toMatchObject({
        code: "PORT_BUSY",
        message: expect.stringContaining(String(port)) as string,
      });
    } finally {
      other.close();
    }
  });

  test("a server that dies while starting - gives the end of its log", async () => {
    await expect(start({ databaseFile: join(folder, "no", "folder.db") })).rejects.toMatchObject({
      code: "PROCESS_DIED",
      message: expect.stringContaining("database file") as string,
    });
  });
});

async function start(options: Partial<TemporalServerOptions>): Promise<TemporalServer> {
  const { command } = await findTemporalBinary();
  const server = await startTemporalServer({
    binary: command,
    logFile: join(folder, "temporal.log"),
    note: { pidsDir: join(servers().runDir, "pids"), name: "temporal", layer: 0 },
    ...options,
  });
  running.push(server);
  return server;
}

async function withClient<T>(address: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}
