/** Where an agent keeps its files: `<home>/agents/<agentId>/`. Directories have mode 0700, files 0600. */
import { join } from "node:path";
import { agentIdPattern } from "../wire/limits.ts";
import { makePrivateDirectory } from "./disk.ts";
import { AgentHomeError } from "./errors.ts";
import { takeLock } from "./lock.ts";

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

/**
 * Makes the directory and takes its lock; gives the function that lets go of it.
 * @throws AgentHomeError AGENT_RUNNING, HOME_UNWRITABLE.
 */
export function occupyHome({ directory, lockFile }: AgentHome): Promise<() => void> {
  return writingHome(directory, async () => {
    await makePrivateDirectory(directory);
    return takeLock(lockFile);
  });
}

/** Runs what writes into an agent's home, and says clearly when it can't: a full disk, a missing right. */
export async function writingHome<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (cause instanceof AgentHomeError) throw cause;
    throw new AgentHomeError(
      "HOME_UNWRITABLE",
      `${path} can't be written (${String(cause)}). Free or repair its disk, or let this user write there.`,
      { cause },
    );
  }
}
