/** Room for people to see whose Request it is; ids may have 200 characters in all. */
const workflowIdCharsMax = 100;

/**
 * Names a workflow's Request. It is the same in every replay, on every worker, for every retry of its activity and after a
 * reset, and another one in every other run: `runId` is the one that a reset keeps. What it says is part of it, so that
 * changed code behind a reset does not find the Answers to other Commands.
 */
export function requestIdOf(
  caller: { readonly workflowId: string; readonly runId: string },
  number: number,
  content: unknown,
): string {
  const workflowId = caller.workflowId.slice(0, workflowIdCharsMax);
  return `${workflowId}/${caller.runId}/${number}-${digest(JSON.stringify(content))}`;
}

/** FNV-1a: told apart are Requests of one number, against mistakes and not against malice. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
