import type { Command } from "commander";
import { pathPart, type ApiClient } from "../api/client.ts";
import { ApiRefusedError } from "../api/errors.ts";
import { openApi } from "../api/open-api.ts";
import type { AgentDetails, EventJson, EventsJson, RefusalJson, WhyJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { wholeNumber } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { explanation } from "../text/explanation.ts";
import { refusalSentence, refusalText } from "../text/refusal.ts";
import { timeline } from "../text/timeline.ts";
import { roughly } from "../text/times.ts";
import { hanging } from "../text/wrap.ts";

interface WhyOptions extends JsonOption {
  readonly limit?: number;
}

const limitDefault = 40;

export function addWhyCommand(program: Command, context: CliContext): void {
  program
    .command("why <id>")
    .description("tell why an agent is what it is: what was lost, who was asked, what each saw")
    .option("--limit <n>", `the newest n events (default: ${limitDefault})`, wholeNumber(1, 1_000))
    .option(...jsonOption)
    .action(async (id: string, { json, limit = limitDefault }: WhyOptions) => {
      const api = openApi(context);
      const known = await orNeverAdmitted(api, id, () => askWhy(api, id, limit));
      if ("agentId" in known) {
        printResult(context, json, { refusal: known }, () => refusalText(known, context));
        return;
      }
      printResult(context, json, known, () =>
        whyText(known.agent, known.loss, known.events, context),
      );
    });
}

async function askWhy(api: ApiClient, id: string, limit: number) {
  const path = `agents/${pathPart(id)}`;
  const [agent, { loss }, { events }] = await Promise.all([
    api.call<AgentDetails>("GET", path),
    api.call<WhyJson>("GET", `${path}/why`),
    api.call<EventsJson>("GET", `${path}/events`, { query: { limit } }),
  ]);
  return { agent, loss, events };
}

/** What `ask` gives; for an agent that dials but was never admitted, why not. */
async function orNeverAdmitted<T>(
  api: ApiClient,
  id: string,
  ask: () => Promise<T>,
): Promise<T | RefusalJson> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ApiRefusedError) || error.code !== "AGENT_UNKNOWN") throw error;
    return await api.call<RefusalJson>("GET", `refusals/${pathPart(id)}`).catch(() => {
      throw error;
    });
  }
}

/** What the agent is, how it came to that, and what comes next. */
export function whyText(
  agent: AgentDetails,
  loss: WhyJson["loss"],
  events: readonly EventJson[],
  { now, width }: Pick<CliContext, "now" | "width">,
): string {
  const { status, statusSince, statusReason, resourceState } = agent.lifecycle ?? agent;
  const since = roughly(now() - Date.parse(statusSince));
  const held = agent.braked === true ? ", its Down verdict held back" : "";
  const head = hanging(
    `${agent.id}  `,
    `${status} for ${since}${held}, resource ${resourceState}: ${statusReason}`,
    width,
  );
  const refused =
    agent.refusal == null ? "" : hanging("refused  ", refusalSentence(agent.refusal, now()), width);
  const told = loss === null ? "" : explanation(loss, agent.lifecycle?.loss, { now, width });
  const story = events.length === 0 ? "no events yet\n" : timeline(events, width);
  const first = events[0];
  const more =
    first !== undefined && first.no > 1
      ? `(earlier events: muster why ${agent.id} --limit ${Math.min(1_000, events.length * 5)})\n`
      : "";
  const stale = (agent.stale ?? [])
    .map(({ part, reason }) => hanging("stale  ", `${part}: ${reason}`, width))
    .join("");
  const heading = told === "" ? "" : "\nevents\n";
  return `${head}${refused}\n${told}${heading}${more}${story}${stale}`;
}
