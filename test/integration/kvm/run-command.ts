import { noManager } from "../../helpers/no-manager.ts";
import createKvmResource from "../../../src/resources/kvm/index.ts";
import type { Answer, ServerResource } from "../../../src/api/index.ts";

/** A kvm resource as an agent makes it. */
export async function kvmResource(
  config: Readonly<Record<string, unknown>>,
): Promise<ServerResource> {
  return createKvmResource({ agentId: "kvm-test", config, manager: noManager });
}

/** Runs one Command the way the agent container does. */
export async function run<A extends Answer = Answer>(
  resource: ServerResource,
  command: { readonly type: string; readonly [field: string]: unknown },
  options: { readonly signal?: AbortSignal; readonly waitMs?: number } = {},
): Promise<Omit<A, "commandId">> {
  const answer = await resource.executeRequest(
    { id: "command-1", ...command },
    { signal: options.signal ?? new AbortController().signal, waitMs: options.waitMs ?? 60_000 },
  );
  return answer as Omit<A, "commandId">;
}
