/** An agent in a process of its own, for tests that kill it. */
import type { AgentOptions } from "../../../src/agent/options.ts";
import { runAgent } from "../../../src/agent/run.ts";
import { createLog } from "../../../src/telemetry/log.ts";

const options = JSON.parse(process.argv[2] ?? "") as AgentOptions;
await runAgent(options, createLog("agent", "warn"), new AbortController().signal);
