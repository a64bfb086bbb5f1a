/** Which agents a Command for many goes to: `--all`, or `--where zone=east,type=kvm`. */
import { type Command, InvalidArgumentError } from "commander";
import { resourceStates, statuses } from "../api/index.ts";
import type { AgentSelector } from "../client/index.ts";
import { UsageError } from "./errors.ts";
import { oneOf } from "./option-values.ts";

export interface FleetCliOptions {
  readonly all?: boolean;
  readonly where?: AgentSelector;
}

const anyText = (text: string): string => text;
/** What `--where` may name, and how its value is read. */
const keys: Readonly<Record<string, readonly [keyof AgentSelector, (text: string) => string]>> = {
  zone: ["zone", anyText],
  cluster: ["cluster", anyText],
  type: ["type", anyText],
  status: ["status", oneOf(statuses)],
  "resource-state": ["resourceState", oneOf(resourceStates)],
  gateway: ["gateway", anyText],
};

/** Adds --all and --where. */
export function addFleetOptions(command: Command): Command {
  return command
    .option("--all", "every agent that is not removed")
    .option(
      "--where <k=v,…>",
      `agents with these: ${Object.keys(keys).join(", ")}; such as zone=east,type=kvm`,
      where,
    );
}

/** Whether many agents are meant. @throws UsageError when both options are given. */
export function isFleet({ all, where: filter }: FleetCliOptions): boolean {
  if (all === true && filter !== undefined) {
    throw new UsageError("--all and --where exclude each other: give one of them.");
  }
  return all === true || filter !== undefined;
}

function where(text: string, before: AgentSelector = {}): AgentSelector {
  const selector: Record<string, unknown> = { ...before };
  for (const pair of text.split(",")) {
    const [, key = "", value = ""] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    const known = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (known === undefined || value === "") {
      const names = Object.keys(keys).join(", ");
      throw new InvalidArgumentError(`"${pair}" is not <key>=<value>; keys are ${names}.`);
    }
    const [field, read] = known;
    if (selector[field] !== undefined) {
      throw new InvalidArgumentError(`${key} is named twice: agents have one.`);
    }
    selector[field] = read(value);
  }
  return selector;
}
