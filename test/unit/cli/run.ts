import { loadConfig, type Env } from "../../../src/config/index.ts";
import { runCli } from "../../../src/cli/run-cli.ts";

/** One command line in this process, with an environment of its own. */
export async function run(args: readonly string[], env: Env = {}) {
  let stdout = "";
  let stderr = "";
  const code = await runCli(args, {
    env,
    print: (text) => (stdout += text),
    complain: (text) => (stderr += text),
    width: 120,
    terminal: false,
    now: () => Date.parse("2026-11-23T12:00:00Z"),
    config: () => loadConfig(env),
    stopSignal: () => new AbortController().signal,
  });
  return { code, stdout, stderr };
}
