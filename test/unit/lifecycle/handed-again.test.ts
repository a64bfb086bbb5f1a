import { expect, it } from "vitest";
import { admit } from "../../../src/lifecycle/mailbox.ts";
import {
  dueForDelivery,
  markHanded,
  markUndelivered,
  toDeliver,
} from "../../../src/lifecycle/mailbox-delivery.ts";
import { settleExpired } from "../../../src/lifecycle/mailbox-settle.ts";
import { emptyMailbox } from "../../../src/lifecycle/mailbox-types.ts";

function admitted(mailbox: ReturnType<typeof emptyMailbox>, number: number) {
  return admit(
    mailbox,
    {
      requestId: `r-${number}`,
      commands: [{ type: "RebootVm", id: `c-${number}` }],
      onError: "stop",
      inSequence: true,
      waitMs: 1_000,
      waiters: [],
    },
    0,
  );
}

function pendingRequest() {
  const mailbox = emptyMailbox();
  return { mailbox, request: admitted(mailbox, 1) };
}

const outcomeOf = (mailbox: ReturnType<typeof emptyMailbox>) =>
  settleExpired(mailbox, 1_000)[0]?.answers[0]?.outcome;

it("mailbox - a Request whose second hand-over to a session was not written may have been written by the first: unknown", () => {
  const { mailbox, request } = pendingRequest();
  markHanded(request, 3);
  markHanded(request, 3);
  markUndelivered(mailbox, 3, [request.seq]);
  // Said again: a gateway's word may come twice.
  markUndelivered(mailbox, 3, [request.seq]);
  expect(dueForDelivery(mailbox, 3)).toEqual([request]);
  expect(outcomeOf(mailbox)).toBe("unknown");
});

it("mailbox - a Request that no session was given twice and that came back was not sent", () => {
  const { mailbox, request } = pendingRequest();
  markHanded(request, 3);
  markUndelivered(mailbox, 3, [request.seq]);
  markHanded(request, 4);
  markUndelivered(mailbox, 4, [request.seq]);
  expect(outcomeOf(mailbox)).toBe("notSent");
});

it("mailbox - a Request says which session may have had it first, or that one is not remembered", () => {
  const { mailbox, request } = pendingRequest();
  const delivered = () => toDeliver(mailbox, [request], 0)[0];
  expect(delivered()).toMatchObject({ fresh: true });
  expect(delivered()).not.toHaveProperty("firstHandedEpoch");
  markHanded(request, 3);
  markHanded(request, 5);
  expect(delivered()).toMatchObject({ firstHandedEpoch: 3 });
  markUndelivered(mailbox, 3, [request.seq]);
  expect(delivered()).toMatchObject({ firstHandedEpoch: 5 });
  markHanded(request, 5);
  expect(delivered()).toMatchObject({ firstHandedEpoch: -1 });
});

it("mailbox - a Request that came back unsent is not fresh while a later one was handed over, nor had by any session", () => {
  const { mailbox, request } = pendingRequest();
  const later = admitted(mailbox, 2);
  markHanded(request, 3);
  markHanded(later, 3);
  markUndelivered(mailbox, 3, [request.seq]);
  const [delivered] = toDeliver(mailbox, [request], 0);
  expect(delivered).not.toHaveProperty("fresh");
  expect(delivered?.firstHandedEpoch).toBeGreaterThan(1_000_000);
  markUndelivered(mailbox, 3, [later.seq]);
  expect(toDeliver(mailbox, [request], 0)[0]).toMatchObject({ fresh: true });
});
