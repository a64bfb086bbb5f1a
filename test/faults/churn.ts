/** `npm run churn`: gateways are added, drained, killed, stopped and restarted under continuous traffic. */
import { randomInt } from "node:crypto";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageRoot } from "../../src/local/package-root.ts";
import { runChurn } from "./churn-run.ts";
import { FaultStack } from "./stack.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    agents: { type: "string", default: "2000" },
    gateways: { type: "string", default: "3" },
    durable: { type: "string", default: "8" },
    direct: { type: "string", default: "15" },
    seed: { type: "string", default: String(randomInt(1_000_000)) },
    json: { type: "boolean", default: false },
  },
});
const { seed } = values;
const say = (text: string) => void process.stderr.write(`${text}\n`);
const gatewayIds = Array.from({ length: Number(values.gateways) }, (_, i) => `gateway-${i + 1}`);

process.on("disconnect", () => process.exit(1));
process.channel?.unref();

say(`seed ${seed}`);
// A fleet this large is not relayed ping by ping.
const env = { MUSTER_PING_INTERVAL_MS: "20000", MUSTER_RELAY_BUDGET_PER_SECOND: "2" };
const stack = new FaultStack({ gatewayIds, agentIds: [], logLevel: "info", env });
try {
  await stack.start();
  const result = await runChurn(stack, {
    agents: Number(values.agents),
    minutes: Number(values.minutes),
    durablePerSecond: Number(values.durable),
    directPerSecond: Number(values.direct),
    seed,
    say,
  });
  const { violations, late, events, ...counts } = result;
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  say(
    `${events.length} events; ${JSON.stringify(counts)}; ${violations.length} violations, ${late.length} late`,
  );
  for (const violation of [...violations, ...late]) say(`    ${violation}`);
  if (violations.length > 0 || late.length > 0) {
    process.exitCode = 1;
    const folder = join(packageRoot, ".cache", "churn", seed);
    rmSync(folder, { recursive: true, force: true });
    cpSync(join(stack.home, "logs"), folder, { recursive: true });
    const { agents, minutes, gateways } = values;
    const size = `--agents ${agents} --gateways ${gateways} --minutes ${minutes}`;
    say(`    logs: ${folder}; again: npm run churn -- ${size} --seed ${seed}`);
  }
} finally {
  await stack.close();
}
