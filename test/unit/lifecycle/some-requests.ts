/** Requests for tests of the mailbox, each with ids of its own. */
import type { Answer, WireCommand } from "../../../src/api/index.ts";
import { admit, markHanded } from "../../../src/lifecycle/index.ts";
import type { MailboxState, PendingRequest, RequestToAdmit } from "../../../src/lifecycle/index.ts";

let ids = 0;

export function command(type = "ListVms"): WireCommand {
  return { type, id: `c${++ids}` };
}

/** A Command of about that size as JSON. */
export function large(bytes: number): WireCommand {
  return { ...command(), data: "x".repeat(bytes - 50) };
}

export function request(fields: Partial<RequestToAdmit> = {}): RequestToAdmit {
  return {
    requestId: `r${++ids}`,
    commands: [command()],
    onError: "stop",
    inSequence: false,
    waitMs: 1_000,
    waiters: [],
    ...fields,
  };
}

/** Admits one, given to session 1 where `handed`. */
export function admitted(
  mailbox: MailboxState,
  fields: Partial<RequestToAdmit> & { readonly handed?: boolean } = {},
  nowMs = 0,
): PendingRequest {
  const { handed = false, ...rest } = fields;
  const pending = admit(mailbox, request(rest), nowMs);
  if (handed) markHanded(pending, 1);
  return pending;
}

export function answersTo(commands: readonly WireCommand[]): Answer[] {
  return commands.map(({ id }) => ({ type: "A", commandId: id, result: true }));
}
