import type { Config } from "../config/index.ts";
import type { Log } from "../telemetry/log.ts";
import type { Running, ServiceOptions } from "./service.ts";
import type { StackHome } from "./stack-home.ts";

/** What the parts of the stack need to start their processes. */
export interface StackContext {
  readonly config: Config;
  readonly log: Log;
  readonly home: StackHome;
  /** Folder of this run's pid files. */
  readonly pidsDir: string;
  readonly secrets: { readonly apiToken: string; readonly joinToken: string };
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Starts a process that is kept running until the stack stops. */
  readonly keep: <T extends Running>(
    options: Pick<ServiceOptions<T>, "name" | "layer" | "start">,
  ) => Promise<T>;
}

/** Like Promise.all, but waits for all even when one fails, so that none starts behind our back. */
export async function settled<T extends readonly unknown[]>(promises: {
  [K in keyof T]: Promise<T[K]>;
}): Promise<T> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
