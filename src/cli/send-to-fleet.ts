/** Sends one Command to many agents: what only reads at once, what may change something after the operator said yes. */
import { randomUUID } from "node:crypto";
import { Command, traitsOf } from "../api/index.ts";
import { AgentManager, type FleetCall } from "../client/index.ts";
import { ApiClient } from "./api/client.ts";
import { listAgents } from "./api/list-agents.ts";
import { findApi } from "./api/target.ts";
import type { GatewaysJson } from "./api/types.ts";
import type { GivenCommand } from "./command-fields.ts";
import type { CliContext } from "./context.ts";
import { NoAgentsError, NotConfirmedError, UsageError } from "./errors.ts";
import type { FleetCliOptions } from "./fleet-selection.ts";
import { showFleetCall } from "./show-fleet-call.ts";
import { someOf } from "./text/fleet-report.ts";
import { plain } from "./text/plain.ts";

export interface AskFleetOptions extends FleetCliOptions {
  readonly wait?: number;
  /** Agents at once. */
  readonly concurrency?: number;
  readonly each?: boolean;
  readonly json?: boolean;
}

export interface SendFleetOptions extends AskFleetOptions {
  /** When an agent fails or is missing: `stop` begins no more. */
  readonly onError?: "stop" | "continue";
  /** The Request of each agent is called `<requestId>/<agentId>`. */
  readonly requestId?: string;
  /** The operator said already that it is meant. */
  readonly yes?: boolean;
}

/** A Command of whatever type, with the fields that it was given. */
class AnyCommand extends Command {
  readonly type: string;

  constructor(given: GivenCommand) {
    super();
    Object.assign(this, given);
    this.type = given.type;
  }
}

/**
 * Asks all agents that the options name, on the direct lane.
 * @throws as `showFleetCall`, and ApiRefusedError, ApiUnreachableError.
 */
export async function askFleet(
  context: CliContext,
  command: GivenCommand,
  options: AskFleetOptions,
): Promise<void> {
  await withManager(context, async (manager) => {
    const agents = options.where ?? { all: true };
    const call = manager.askAll(agents, new AnyCommand(command), callOptions(context, options));
    await show(context, call, command, options, "Stopped: this is what was there.");
  });
}

/**
 * Sends the Command to all agents that the options name, on the durable lane.
 * @throws as `askFleet`; UsageError, NotConfirmedError when nobody said that a change of many agents is meant.
 */
export async function sendToFleet(
  context: CliContext,
  command: GivenCommand,
  options: SendFleetOptions,
): Promise<void> {
  await withManager(context, async (manager, api) => {
    // The very agents that the operator says yes to.
    const ids = (await listAgents(api, options.where ?? {})).map(({ id }) => id);
    if (ids.length === 0)
      throw new NoAgentsError("No agent is what --where says: look at `muster agents`.");
    await confirm(context, command, ids, options);
    const { requestId = randomUUID() } = options;
    context.complain(`request id ${requestId}\n`);
    const call = manager.sendAll(ids, new AnyCommand(command), {
      ...callOptions(context, options),
      onError: options.onError,
      requestIdOf: (agentId) => `${requestId}/${agentId}`,
    });
    await show(context, call, command, options, whenSendIsCutShort(requestId));
  });
}

async function withManager(
  context: CliContext,
  work: (manager: AgentManager, api: ApiClient) => Promise<void>,
): Promise<void> {
  const target = findApi(context.config());
  const api = new ApiClient(target);
  // Says at once, and better, what keeps it from being reached.
  await api.call<GatewaysJson>("GET", "gateways");
  const manager = new AgentManager(target);
  try {
    await work(manager, api);
  } finally {
    await manager.close();
  }
}

function callOptions(context: CliContext, { wait, concurrency }: AskFleetOptions) {
  return { waitSeconds: wait, concurrency, signal: context.stopSignal() };
}

async function show(
  context: CliContext,
  call: FleetCall<Command>,
  { type }: GivenCommand,
  { each = false, json = false }: AskFleetOptions,
  whenCutShort: string,
): Promise<void> {
  await showFleetCall(context, call, { commandType: type, each, json, whenCutShort });
}

function whenSendIsCutShort(requestId: string): string {
  return (
    "Stopped: no more were sent, and those under way were cancelled; above is what became of each. " +
    `Sent again with --request-id ${requestId} it goes to the rest, and runs nothing twice.`
  );
}

/** A change of a whole fleet is not undone by a second Command: the operator says that it is meant. */
async function confirm(
  { ask }: CliContext,
  { type }: GivenCommand,
  ids: readonly string[],
  { yes }: SendFleetOptions,
): Promise<void> {
  if (yes === true || traitsOf(type).readOnly) return;
  const what = `${plain(type)} may change ${ids.length} agents at once: ${plain(someOf(ids))}.`;
  if (ask === undefined) {
    throw new UsageError(`${what} Say --yes to do it, or name fewer with --where.`);
  }
  const said = await ask(`${what}\nType yes to send it: `);
  if (said.trim().toLowerCase() !== "yes") throw new NotConfirmedError("Nothing was sent.");
}
