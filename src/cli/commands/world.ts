/** The power of simulated hosts: `muster world` talks to the process that simulates them (`muster sim`), not to the manager. */
import { InvalidArgumentError, type Command } from "commander";
import { pathPart } from "../api/client.ts";
import { openApi } from "../api/open-api.ts";
import type { AgentDetails } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { UsageError, WorldError } from "../errors.ts";
import { oneOf } from "../option-values.ts";
import { printResult } from "../print.ts";
import { jsonOption, type JsonOption } from "../ready-line.ts";
import { table } from "../text/table.ts";

interface WorldOptions extends JsonOption {
  readonly world?: string;
}
interface HostPower {
  readonly id: string;
  readonly power: "on" | "off";
}
interface HostJson extends HostPower {
  readonly vms: readonly { readonly name: string; readonly power: string }[];
}

const answerLimitMs = 10_000;
const powers = ["on", "off"] as const;
const worldOption = "--world <url>";

export function addWorldCommand(program: Command, context: CliContext): void {
  const world = program
    .command("world")
    .description("see and switch the power of simulated hosts: world hosts|power");
  world
    .command("hosts")
    .description("list the hosts that a `muster sim` simulates")
    .requiredOption(worldOption, "as `muster sim` says it when it is ready", worldUrl)
    .option(...jsonOption)
    .action(async ({ world: url, json }: JsonOption & { readonly world: string }) => {
      const answer = await callWorld<{ readonly hosts: readonly HostPower[] }>(url, "/hosts");
      printResult(context, json, answer, () =>
        table<HostPower>(
          [
            { title: "HOST", text: (host) => host.id },
            { title: "POWER", text: (host) => host.power },
          ],
          answer.hosts,
          context.width,
        ),
      );
    });
  world
    .command("power <host> <on|off>")
    .description("pull a simulated host's plug (its VMs go off, its agent is gone), or put it back")
    .option(worldOption, "default: what the host's agent announced", worldUrl)
    .option(...jsonOption)
    .action(async (host: string, power: string, options: WorldOptions) => {
      await switchPower(context, host, oneOf(powers)(power), options);
    });
}

async function switchPower(
  context: CliContext,
  id: string,
  power: HostPower["power"],
  { world, json }: WorldOptions,
): Promise<void> {
  const url = world ?? (await announcedWorld(context, id));
  const path = `/hosts/${pathPart(id)}/power`;
  const host = await callWorld<HostJson>(url, path, JSON.stringify({ power }));
  printResult(context, json, host, () => {
    const running = host.vms.filter((vm) => vm.power === "On").length;
    return `${host.id}  power ${host.power}, ${running} of ${host.vms.length} VMs running\n`;
  });
}

/** The world that a host's agent told the manager of. Only this machine's is taken on an agent's word. */
async function announcedWorld(context: CliContext, id: string): Promise<string> {
  const { host } = await openApi(context).call<AgentDetails>("GET", `agents/${pathPart(id)}`);
  const { facts } = host as { readonly facts?: Readonly<Record<string, unknown>> };
  const announced = facts?.["world"];
  if (typeof announced !== "string" || !/^http:\/\/127\.0\.0\.1:\d{1,5}$/.test(announced)) {
    throw new UsageError(`${id} announced no world of this machine: give --world.`);
  }
  return announced;
}

/** @throws WorldError */
async function callWorld<T>(world: string, path: string, body?: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(new URL(path, world), {
      redirect: "error",
      signal: AbortSignal.timeout(answerLimitMs),
      ...(body !== undefined && {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      }),
    });
  } catch (cause) {
    throw new WorldError(`No world answers at ${world}: does that \`muster sim\` still run?`, {
      cause,
    });
  }
  const answer = (await response.json().catch(() => ({}))) as T & { readonly detail?: unknown };
  if (response.ok) return answer;
  throw new WorldError(
    `The world at ${world} refused: ${typeof answer.detail === "string" ? answer.detail : `HTTP ${response.status}`}`,
  );
}

function worldUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new InvalidArgumentError("Give a URL such as http://127.0.0.1:8260.");
  }
  return url.origin;
}
