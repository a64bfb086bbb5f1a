/**
 * The process of one direct agent, a child of the gateway that owns it: the ordinary agent container, for as long as that
 * gateway says each second that it may act. Whatever its resource does, it does it to this process alone.
 */
import { createHook } from "node:async_hooks";
import { writeSync } from "node:fs";
import { createLog, type Log } from "../../telemetry/log.ts";
import type {
  FromDirectAgent,
  StartDirectAgent,
  ToDirectAgent,
} from "../../wire/direct-messages.ts";
import { runAgent } from "../run.ts";
import { guarded } from "./guarded-resource.ts";
import { Permission } from "./permission.ts";

const askEveryMs = 500;
/** How soon it ends when nothing else happens in it. */
const lookEveryMs = 100;

const permission = new Permission(() => performance.now());
const stop = new AbortController();

function tell(message: FromDirectAgent): void {
  process.send?.(message);
}

/** At once, with all that the resource has started: another gateway may own the agent in a moment. */
function endAtOnce(why: string): never {
  try {
    writeSync(2, `${JSON.stringify({ level: 40, msg: `a direct agent ends at once: ${why}` })}\n`);
  } catch {
    // The gateway that reads it is gone.
  }
  // It was started as the leader of a process group of its own.
  process.kill(-process.pid, "SIGKILL");
  process.exit(1);
}

function mayGoOn(): void {
  if (permission.state === "over") endAtOnce("its gateway does not say that it may act");
}

// A process that was stopped for long and goes on now looks before anything that waits in it: timers, sockets, promises, of
// the resource too. What a stop can still fall into is one callback between its beginning and its effect.
createHook({ before: mayGoOn }).enable();

function ask(): void {
  mayGoOn();
  tell({ type: "ask", no: permission.ask() });
}

/** Nothing is done before the gateway's first word. */
async function permitted(): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (permission.state === "none") return;
      clearInterval(timer);
      resolve();
    }, lookEveryMs);
  });
}

async function run(order: StartDirectAgent, log: Log): Promise<void> {
  const { agentId, zone, cluster, resource, config, secret, home, tlsCaFile } = order;
  await permitted();
  const options = {
    ...{ agentId, zone, cluster, home, tlsCaFile },
    gateways: [order.gatewayUrl],
    frameBytesMax: order.frameBytesMax,
    resources: [{ module: resource, config }],
  };
  const direct = {
    secret,
    guard: (one: Parameters<typeof guarded>[0]) => guarded(one, mayGoOn),
  };
  await runAgent(
    options,
    log,
    stop.signal,
    ({ epoch }) => {
      tell({ type: "connected", epoch });
    },
    direct,
  );
}

function start(order: StartDirectAgent): void {
  setInterval(ask, askEveryMs);
  setInterval(mayGoOn, lookEveryMs);
  ask();
  run(order, createLog("direct-agent", order.logLevel)).then(
    () => process.exit(0),
    (error: unknown) => {
      tell({ type: "failed", details: error instanceof Error ? error.message : String(error) });
      // The channel is written to before it is closed.
      process.disconnect();
      process.exitCode = 1;
      setTimeout(() => process.exit(), 1_000);
    },
  );
}

process.on("message", (message: ToDirectAgent) => {
  switch (message.type) {
    case "start":
      start(message);
      return;
    case "granted":
      permission.granted(message.no, message.forMs);
      return;
    case "stop":
      stop.abort();
      return;
  }
});
process.once("disconnect", () => {
  if (process.exitCode === undefined) endAtOnce("its gateway is gone");
});
// The gateway says when it ends; a signal to all processes of a terminal does not.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
