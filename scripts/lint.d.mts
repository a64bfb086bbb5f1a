/** One pass of types and lint over the project in that folder; `linted` are the files that had to be looked at. */
export function lintPass(
  root: string,
): Promise<{ readonly ok: boolean; readonly output: string; readonly linted: readonly string[] }>;
