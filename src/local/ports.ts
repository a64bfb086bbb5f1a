import { createServer } from "node:net";
import { LocalStackError } from "./errors.ts";

/** A port that was free a moment ago. Whoever takes it must be ready to lose the race and ask again. */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  const port = await listenOnce(0, host);
  if (port === undefined) throw new LocalStackError("PORT_BUSY", `No free port on ${host}.`);
  return port;
}

export async function isPortFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  return (await listenOnce(port, host)) !== undefined;
}

/**
 * @param setting what to change when the port is taken, such as "set MUSTER_API_PORT to another port".
 * @throws LocalStackError PORT_BUSY.
 */
export async function needFreePort(
  port: number,
  host: string,
  what: string,
  setting: string,
): Promise<void> {
  if (port === 0 || (await isPortFree(port, host))) return;
  throw new LocalStackError(
    "PORT_BUSY",
    `Port ${port} for ${what} is taken by another process. Stop that process, or ${setting}.`,
  );
}

async function listenOnce(port: number, host: string): Promise<number | undefined> {
  const server = createServer();
  const listening = await new Promise<boolean>((resolve) => {
    server.once("error", () => {
      resolve(false);
    });
    server.listen({ port, host, exclusive: true }, () => {
      resolve(true);
    });
  });
  if (!listening) return undefined;
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : undefined;
}
