import { loadConfig, type Env } from "../../../src/config/index.ts";
import type { CliContext } from "../../../src/cli/context.ts";
import { runCli } from "../../../src/cli/run-cli.ts";

/** One command line in this process, with an environment of its own, and what else of its process a test replaces. */
export async function run(
  args: readonly string[],
  env: Env = {},
  replaced: Partial<CliContext> = {},
) {
  let stdout = "";
  let stderr = "";
  const code = await runCli(args, {
    env,
    print: (text) => (stdout += text),
    complain: (text) => (stderr += text),
    width: 120,
    terminal: false,
    progressWidth: undefined,
    ask: undefined,
    now: () => Date.parse("2026-11-23T12:00:00Z"),
    config: () => loadConfig(env),
    stopSignal: () => new AbortController().signal,
    ...replaced,
  });
  return { code, stdout, stderr };
}
