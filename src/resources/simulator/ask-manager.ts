import {
  failed,
  type ExecuteOptions,
  type ManagerLink,
  type ResourceAnswer,
  type WireCommand,
} from "../../api/index.ts";

/** Asks the manager what the Command holds. Its Answer is no success of the host's own: it is handed on as it is. */
export async function askManager(
  { type, command, waitMs }: WireCommand,
  manager: ManagerLink,
  { signal }: ExecuteOptions,
): Promise<ResourceAnswer> {
  const options = { signal, ...(typeof waitMs === "number" && { waitMs }) };
  try {
    // What a caller sent: the link refuses what is no Command.
    const answer = await manager.ask(command as Parameters<ManagerLink["ask"]>[0], options);
    return { type: `${type}Answer`, result: true, answer } as ResourceAnswer;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && typeof error.code === "string")) throw error;
    return failed(`${type}Answer`, error.code, error.message);
  }
}
