/** Shows a Command on its way to many agents: how far it is, each result, and at the end the whole. */
import type { Command } from "../api/index.ts";
import type { FleetCall, FleetResult, FleetSummary } from "../client/index.ts";
import type { CliContext } from "./context.ts";
import { FailedAnswerError, NoAgentsError } from "./errors.ts";
import { FleetScreen } from "./fleet-screen.ts";
import { answersText } from "./text/answers.ts";
import { fleetReport, type AgentReason } from "./text/fleet-report.ts";
import { plain } from "./text/plain.ts";
import { hanging } from "./text/wrap.ts";

export interface FleetCallView {
  readonly commandType: string;
  /** Print each result as it comes. */
  readonly each: boolean;
  /** One line of JSON for each result, and at the end one with `summary`. */
  readonly json: boolean;
  /** What the operator is told when the call was cut short. */
  readonly whenCutShort: string;
}

/**
 * Reads all results and tells of them.
 * @throws FailedAnswerError unless every agent answered with success; NoAgentsError when there is none; AgentManagerError
 * when they can't be listed.
 */
export async function showFleetCall(
  context: CliContext,
  call: FleetCall<Command>,
  { commandType, each, json, whenCutShort }: FleetCallView,
): Promise<void> {
  const screen = new FleetScreen(context);
  const failures: AgentReason[] = [];
  for await (const result of call) {
    const failure = failureOf(result);
    if (failure !== undefined) failures.push(failure);
    if (json) {
      context.print(`${JSON.stringify(jsonOf(result))}\n`);
      continue;
    }
    if (each) {
      screen.clear();
      context.print(resultText(result, context.width));
    }
    screen.show(() => call.counts);
  }
  screen.clear();
  const summary = await call.summary();
  if (summary.agents === 0 && !summary.isCutShort) {
    throw new NoAgentsError("No agent is what --where says: look at `muster agents`.");
  }
  if (json) context.print(`${JSON.stringify({ summary: summaryJson(commandType, summary) })}\n`);
  else context.print(fleetReport(commandType, summary, failures, context.width));
  if (summary.isCutShort) context.complain(`muster: ${whenCutShort}\n`);
  const { agents, answered, failed } = summary;
  if (answered - failed === agents && !summary.isCutShort) return;
  const short = agents - answered + failed;
  throw new FailedAnswerError(`${short} of ${agents} agents did not answer with success.`);
}

/** Why the resource of an agent failed; undefined when it did not, or when there is no word of it. */
function failureOf({ agentId, answer }: FleetResult<Command>): AgentReason | undefined {
  if (answer === undefined || answer.result || (answer.outcome ?? "done") !== "done") {
    return undefined;
  }
  const { errorCode: code = answer.type, details: reason = "" } = answer;
  return { agentId, code, reason };
}

function resultText({ agentId, answer, error }: FleetResult<Command>, width: number): string {
  const head = `${plain(agentId)}  `;
  if (answer !== undefined) return `${head}${answersText([answer], width - head.length)}`;
  return hanging(head, `${error.message} [${error.code}]`, width);
}

function jsonOf({ agentId, answer, error, tookMs }: FleetResult<Command>) {
  if (answer !== undefined) return { agentId, tookMs, answer };
  const { code, outcome, message, requestId } = error;
  return { agentId, tookMs, error: { code, outcome, message, requestId } };
}

/** Who is missing was said in a line of its own. */
function summaryJson(command: string, { missing, ...summary }: FleetSummary) {
  return { command, ...summary, missing: missing.length };
}
