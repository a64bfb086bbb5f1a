/** A day's worth of Commands leaves nothing behind in the agent's memory: sizes are counted, not bytes. */
import { queryObjects } from "node:v8";
import { expect, test } from "vitest";
import type { ResponseFrame } from "../../../src/wire/frames.ts";
import { OpenRequest } from "../../../src/agent/open-request.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { startDesk } from "../../unit/agent/desk-under-test.ts";

const commands = 100_000;
const inFlightMax = 256;
/** One in so many changes something, and one in so many is in sequence. */
const changeEvery = 20;
const inSequenceEvery = 400;

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

test("100,000 Commands - no map, timer or Request is left, the journal and its file stay small", async () => {
  const { journal, host, outbox, session, desk, give } = await startDesk();
  const timersBefore = timers();
  let answered = 0;
  let inFlight = 0;
  session.onResponse = ({ lane, seq, answers }: ResponseFrame) => {
    answered++;
    inFlight--;
    if (lane === "durable") {
      outbox.acked(
        seq,
        answers.map(({ commandId }) => commandId),
      );
    }
  };
  let lastInSequence: number | undefined;
  for (let seq = 1; seq <= commands; seq++) {
    inFlight++;
    const id = `c${seq}`;
    if (seq % inSequenceEvery === 0) {
      const after =
        lastInSequence === undefined ? {} : { after: { seq: lastInSequence, withinMs: 60_000 } };
      give("durable", seq, [{ type: "Change", id }], { inSequence: true, ...after });
      lastInSequence = seq;
    } else if (seq % changeEvery === 0) give("durable", seq, [{ type: "Change", id }]);
    else give(seq % 2 === 0 ? "durable" : "direct", seq, [{ type: "Read", id }]);
    if (seq % 1_000 === 1)
      desk.cancel("durable", seq + commands, "of a Request that never comes", session);
    while (inFlight >= inFlightMax) await new Promise((resolve) => setImmediate(resolve));
  }
  await waitUntil("all are answered", () => answered === commands, { everyMs: 5 });
  expect(host.ran.length).toBe(commands);
  expect(desk.sizes).toEqual({
    open: 0,
    waitingInSequence: 0,
    finishedSeqs: commands / inSequenceEvery,
    cancelledAhead: commands / 1_000,
  });
  expect(journal.sizes).toEqual({
    unacknowledged: 0,
    acknowledged: 1_000,
    commandIds: 1_000,
    unackedBytes: 0,
  });
  expect(outbox.size).toBe(0);
  await journal.close();
  expect(timers()).toBeLessThanOrEqual(timersBefore);
  expect(queryObjects(OpenRequest, { format: "count" })).toBeLessThan(inFlightMax);
});
