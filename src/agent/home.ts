/** Where an agent keeps its files: `<home>/agents/<agentId>/`. Directories have mode 0700, files 0600. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { agentIdPattern } from "../wire/limits.ts";
import { AgentHomeError } from "./errors.ts";

const agentId = new RegExp(agentIdPattern);

/** The files of one agent. */
export interface AgentHome {
  readonly directory: string;
  readonly secretFile: string;
  readonly lockFile: string;
  readonly journalFile: string;
}

/** @throws AgentHomeError BAD_AGENT_ID. */
export function agentHome(home: string, id: string): AgentHome {
  if (!agentId.test(id)) {
    throw new AgentHomeError(
      "BAD_AGENT_ID",
      `"${id}" can't be an agent id: use letters, digits, dot, dash and underscore, 128 at most, a letter or digit first.`,
    );
  }
  const directory = join(home, "agents", id);
  return {
    directory,
    secretFile: join(directory, "secret"),
    lockFile: join(directory, "agent.pid"),
    journalFile: join(directory, "journal.jsonl"),
  };
}

/** Makes a directory that only its owner may enter. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}
