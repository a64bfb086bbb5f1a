import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFrame } from "../../../src/wire/codec.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { startDesk } from "./desk-under-test.ts";

const frameBytesMax = 64 * 1024;

/** What a resource does with a Command: answers so much, fails with so many odd characters, or gives rubbish. */
const deed = fc.oneof(
  fc.record({ type: fc.constant("answer" as const), bytes: fc.nat(frameBytesMax) }),
  fc.record({ type: fc.constant("fail" as const), chars: fc.nat(2_000) }),
  fc.constant({ type: "rubbish" as const }),
);

describe("sizes", () => {
  test("any batch - one Answer each, in a Response and progress frames that fit", async () => {
    const desk = await startDesk({ frameBytesMax });
    let seq = 0;
    const sent: number[] = [];
    desk.session.onResponse = (frame) => {
      sent.push(Buffer.byteLength(encodeFrame(frame)));
      desk.session.responses.push(frame);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(deed, { minLength: 1, maxLength: 50, size: "max" }),
        fc.constantFrom("durable" as const, "direct" as const),
        async (deeds, lane) => {
          seq++;
          desk.host.execute = ({ id }) => {
            const done = deeds[Number(id.split("-")[1])];
            if (done?.type === "fail") throw new Error("\u0001".repeat(done.chars));
            if (done?.type !== "answer") return Promise.resolve({ rubbish: true });
            return Promise.resolve({ type: "A", result: true, text: "ä".repeat(done.bytes / 2) });
          };
          const commands = deeds.map((_deed, i) => ({ type: "Read", id: `${seq}-${i}` }));
          desk.give(lane, seq, commands, { onError: "continue", progress: true });
          const response = await waitUntil(
            "the Response",
            () => desk.session.responses.find((one) => one.seq === seq),
            { everyMs: 1 },
          );
          desk.outbox.acked(
            seq,
            commands.map(({ id }) => id),
          );
          const { answers } = response;
          expect(answers.map(({ commandId }) => commandId)).toEqual(commands.map(({ id }) => id));
          for (const [i, done] of deeds.entries()) {
            const { errorCode, outcome } = answers[i] ?? {};
            if (done.type === "fail") expect(errorCode).toBe("RESOURCE_ERROR");
            else if (done.type === "rubbish") expect(errorCode).toBe("BAD_ANSWER");
            else expect([undefined, "ANSWER_TOO_LARGE"]).toContain(errorCode);
            if (errorCode !== undefined) expect(outcome).toBe("done");
          }
          const told = desk.session.progress.splice(0);
          expect(told.map(({ answer }) => answer)).toEqual(answers.slice(0, -1));
        },
      ),
      { numRuns: 50 },
    );
    expect(Math.max(...sent)).toBeLessThanOrEqual(frameBytesMax);
    // Close to the limit, or the test would show nothing.
    expect(Math.max(...sent)).toBeGreaterThan(0.8 * frameBytesMax);
  });

  test("Answer that fits by itself and not behind others - says so, what it did is done", async () => {
    const desk = await startDesk({ frameBytesMax });
    desk.host.execute = () =>
      Promise.resolve({ type: "A", result: true, text: "x".repeat(40_000) });
    desk.give("durable", 1, [
      { type: "Change", id: "a" },
      { type: "Change", id: "b" },
    ]);
    const response = await waitUntil("the Response", () => desk.session.responses[0]);
    expect(response.answers).toMatchObject([
      { type: "A", result: true },
      { outcome: "done", errorCode: "ANSWER_TOO_LARGE" },
    ]);
    expect(response.answers[1]?.details).toContain("in a Request of its own");
  });

  test("Answer of an earlier run with larger frames - is cut to what became of it", async () => {
    const before = await startDesk();
    const request = { seq: 1, ids: ["a", "b"] };
    const answer = JSON.stringify({
      type: "A",
      commandId: "a",
      result: true,
      text: "x".repeat(99_000),
    });
    await before.journal.answered(request, "a", answer);
    await before.journal.close();
    const desk = await startDesk({ home: before.directory, frameBytesMax });
    const commands = ["a", "b"].map((id) => ({ type: "Change", id }));
    desk.give("durable", 1, commands, { onError: "continue" });
    const response = await waitUntil("the Response", () => desk.session.responses[0]);
    expect(response.answers).toMatchObject([
      { commandId: "a", outcome: "done", errorCode: "ANSWER_TOO_LARGE" },
      { commandId: "b", result: true },
    ]);
  });
});
