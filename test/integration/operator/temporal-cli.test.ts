/** What the documents say of Temporal clients without Muster's code, with their own commands, by Temporal's CLI. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runCommand } from "../../../src/local/run-command.ts";
import { servers } from "../../helpers/servers.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { isCommand } from "../gateway/test-agent.ts";
import { useOperatorRig } from "./operator-rig.ts";

const rig = useOperatorRig();
const [admit = "", query = "", cancel = ""] = commandsIn(
  "CLIENT-API",
  "## Temporal clients in other languages",
);
const [reset = ""] = commandsIn("OPERATIONS", "## What to alert on");
const requestId = "order-17/stop-vm-1";

/** The commands of a chapter, in its order. */
function commandsIn(document: string, title: string): readonly string[] {
  const path = new URL(`../../../docs/${document}.md`, import.meta.url);
  const [, chapter = ""] = readFileSync(path, "utf8").split(title);
  return [...chapter.matchAll(/^```sh\n(.*?)^```/gms)].map(([, command = ""]) => command);
}

/** Runs a command as a reader would, and has it print JSON. */
async function run(command: string): Promise<{ readonly out: string; readonly failed: boolean }> {
  const { temporalCli, temporalAddress } = servers();
  const script = `
    temporal() { "${temporalCli}" "$@" --output json; }
    export TEMPORAL_ADDRESS="${temporalAddress}" TEMPORAL_NAMESPACE="${rig.temporal.namespace}"
    ${command}`;
  const { stdout, stderr, failure } = await runCommand("bash", ["-c", script], {
    timeoutMs: 60_000,
  });
  return { out: `${stdout}${stderr}`, failed: failure !== undefined };
}
async function resultOf(command: string): Promise<unknown> {
  const { out, failed } = await run(command);
  expect(failed, out).toBe(false);
  const { result, queryResult } = JSON.parse(out) as Readonly<Record<string, unknown>>;
  return result ?? queryResult;
}

/** What the signals of a workflow carried, without any code that reads them. */
async function signalsOf(workflowId: string): Promise<readonly unknown[]> {
  const history = await rig.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  return (history.events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
    signal?.signalName === "musterAnswers"
      ? [
          JSON.parse(
            Buffer.from(signal.input?.payloads?.[0]?.data ?? []).toString("utf8"),
          ) as unknown,
        ]
      : [],
  );
}

test("the Temporal CLI - admits a Command, and its workflow gets the Answer by a signal", async () => {
  const agent = await rig.connect({ agentId: "sim-0001" });
  // A workflow that nobody runs: what it gets stands in its history.
  await run("temporal workflow start --workflow-id order-17 --type Order --task-queue orders");
  expect(await resultOf(admit)).toMatchObject({ state: "pending", requestId, seq: 1 });
  const stop = await agent.next("the Command", (frame) => isCommand(frame, "StopVm"));
  expect(stop.commands).toEqual([{ type: "StopVm", vm: "vm-1", id: `${requestId}/0` }]);
  expect(await resultOf(query)).toMatchObject([{ state: "pending", requestId }]);

  agent.respond(stop, [{ type: "StopVmAnswer", result: true }]);
  const answers = [{ type: "StopVmAnswer", commandId: `${requestId}/0`, result: true }];
  const signals = await waitUntil("the signal is there", async () => {
    const all = await signalsOf("order-17");
    return all.length > 0 && all;
  });
  expect(signals).toEqual([{ agentId: "sim-0001", requestId, seq: 1, answers }]);
  expect(await resultOf(query)).toMatchObject([{ state: "settled", answers }]);
  expect(await resultOf(cancel)).toBe("settled");
  // Asked again, though by another Update, it is the same Request.
  const again = admit
    .replace("--update-id order-17/stop-vm-1", "")
    .replace("{", `{"requestId":"${requestId}",`);
  expect(await resultOf(again)).toMatchObject({ state: "settled", answers });
});

test("the Temporal CLI - is told what is wrong with a Request, and nothing is recorded", async () => {
  const agent = await rig.connect();
  const command = admit
    .replace("agent/sim-0001", `agent/${agent.agentId}`)
    .replace('"waitSeconds": 60', '"waitSeconds": "long"');
  const { out, failed } = await run(command);
  expect(failed).toBe(true);
  expect(out).toContain("INVALID_REQUEST");
  expect(out).toContain("waitSeconds");
  const history = await rig.temporal.client.workflow
    .getHandle(`agent/${agent.agentId}`)
    .fetchHistory();
  expect(JSON.stringify(history)).not.toContain("updateAccepted");
});

test("the Temporal CLI - puts a lifecycle back whose history can't be replayed; nothing that it was told is lost", async () => {
  const agent = await rig.connect();
  const here = (command: string) => command.replaceAll("agent/sim-0001", `agent/${agent.agentId}`);
  await resultOf(here(admit).replace("order-17/stop-vm-1", "before"));
  const stop = await agent.next("the Command", (frame) => isCommand(frame, "StopVm"));

  const { out, failed } = await run(here(reset));
  expect(failed, out).toBe(false);
  agent.respond(stop, [{ type: "StopVmAnswer", result: true }]);
  await waitUntil("the Request is settled", async () => {
    const answer = (await resultOf(
      here(query).replace("order-17/stop-vm-1", "before"),
    )) as readonly { readonly state: string }[];
    return answer.some(({ state }) => state === "settled");
  });
  const second = here(admit)
    .replace("order-17/stop-vm-1", "after")
    .replace("{", '{"requestId":"second",');
  expect(await resultOf(second)).toMatchObject({ state: "pending", seq: 2 });
});
