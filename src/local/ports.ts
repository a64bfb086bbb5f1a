import { createServer } from "node:net";
import { LocalStackError } from "./errors.ts";

/** Below the ports that operating systems give to whoever asks for any: nobody is given one of these by chance. */
const ownPorts = { from: 20_000, count: 12_000 };
const triesMax = 200;

/**
 * A port that was free a moment ago, of those that are not handed out by chance; so it is still free when its user comes.
 * @throws LocalStackError PORT_BUSY.
 */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    const port = ownPorts.from + Math.floor(Math.random() * ownPorts.count);
    if (await isPortFree(port, host)) return port;
  }
  throw new LocalStackError("PORT_BUSY", `No free port on ${host}.`);
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
