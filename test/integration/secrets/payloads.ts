/** What Temporal stores of workflows, as somebody without keys sees it. */
import type { Client } from "@temporalio/client";
import type { Payload } from "@temporalio/common";

/** A payload and where it stands in an event. */
export interface StoredPayload {
  readonly place: string;
  readonly payload: Payload;
}

/** Every payload of a run's history, search attributes left out: they can't be encrypted. */
export async function storedPayloads(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<readonly StoredPayload[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return [...within(events ?? [], workflowId)];
}

/** `json/plain`, `binary/encrypted`, … */
export function encodingOf({ payload }: StoredPayload): string {
  return Buffer.from(payload.metadata?.["encoding"] ?? []).toString("utf8");
}

function* within(value: unknown, place: string): Iterable<StoredPayload> {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  if (isPayload(value)) {
    yield { place, payload: value };
    return;
  }
  for (const [name, inner] of Object.entries(value)) {
    if (name !== "searchAttributes") yield* within(inner, `${place}.${name}`);
  }
}

function isPayload(value: object): value is Payload {
  const { metadata } = value as { readonly metadata?: { readonly encoding?: unknown } };
  return metadata?.encoding instanceof Uint8Array;
}
