import type { Config } from "../config/index.ts";
import type { Log } from "../telemetry/log.ts";
import type { Running, ServiceOptions } from "./service.ts";
import type { StackHome } from "./stack-home.ts";
import type { StackPorts } from "./stack-ports.ts";

export type Startable<T extends Running> = Pick<ServiceOptions<T>, "name" | "layer" | "start">;

/** What the parts of the stack need to start their processes. */
export interface StackContext {
  readonly config: Config;
  readonly log: Log;
  readonly home: StackHome;
  readonly ports: StackPorts;
  /** Folder of this run's pid files. */
  readonly pidsDir: string;
  readonly secrets: {
    readonly apiToken: string;
    readonly joinToken: string;
    /** Undefined when nothing is encrypted. */
    readonly codecToken: string | undefined;
  };
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Starts a process that is kept running until the stack stops. Restarts keep its addresses. */
  readonly keep: <T extends Running>(options: Startable<T>) => Promise<T>;
  /** The same for one that the stack can do without: it is tried again and again. */
  readonly keepTrying: (options: Startable<Running>) => Promise<void>;
}

/** Like Promise.all, but waits for all even when one fails, so that none starts behind our back. */
export async function settled<T extends readonly unknown[]>(promises: {
  [K in keyof T]: Promise<T[K]>;
}): Promise<T> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
