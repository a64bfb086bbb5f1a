/** At most one execution for each Command id, and one Response for each Request, whatever comes how often. */
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import { startDesk } from "./desk-under-test.ts";

const change = (id: string, more: object = {}) => ({ type: "Change", id, ...more });

async function responses(desk: Awaited<ReturnType<typeof startDesk>>, count: number) {
  await waitUntil(`${count} Responses`, () => desk.session.responses.length >= count);
  return desk.session.responses;
}

/** The Answers to one Request. */
async function answersTo(desk: Awaited<ReturnType<typeof startDesk>>, seq: number) {
  const response = await waitUntil(`the Response to ${seq}`, () =>
    desk.session.responses.find((one) => one.seq === seq),
  );
  return response.answers;
}

describe("at most once", () => {
  test("same Command in another Request - gets its Answer, is not run again", async () => {
    const desk = await startDesk();
    desk.give("durable", 1, [change("a")]);
    const [answer] = await answersTo(desk, 1);
    desk.give("durable", 2, [change("b"), change("a")]);
    expect(await answersTo(desk, 2)).toEqual([expect.objectContaining({ commandId: "b" }), answer]);
    desk.outbox.acked(1, ["a"]);
    desk.give("durable", 3, [change("a")]);
    expect(await answersTo(desk, 3)).toMatchObject([
      { errorCode: "DUPLICATE_COMMAND_ID", outcome: "unknown" },
    ]);
    expect(desk.host.ran).toEqual(["a", "b"]);
  });

  test("same Command in another Request while it runs - is not run beside it", async () => {
    const desk = await startDesk();
    let end = (): void => undefined;
    desk.host.execute = () =>
      new Promise((resolve) => {
        end = () => {
          resolve({ type: "ChangeAnswer", result: true });
        };
      });
    desk.give("durable", 1, [change("a")]);
    await waitUntil("it runs", () => desk.host.ran.length === 1);
    desk.give("durable", 2, [change("a")]);
    expect(await answersTo(desk, 2)).toMatchObject([
      { errorCode: "DUPLICATE_COMMAND_ID", outcome: "unknown" },
    ]);
    end();
    expect(await answersTo(desk, 1)).toMatchObject([{ result: true }]);
    expect(desk.host.ran).toEqual(["a"]);
  });

  test("other contents under a known id - are not run, also after a restart", async () => {
    const desk = await startDesk();
    desk.give("durable", 1, [change("a", { to: 1 })]);
    const first = await answersTo(desk, 1);
    desk.give("durable", 2, [change("a", { to: 2 })]);
    const refused = [{ errorCode: "DUPLICATE_COMMAND_ID", outcome: "notSent" }];
    expect(await answersTo(desk, 2)).toMatchObject(refused);
    // The same Request with other contents: what came first counts.
    desk.give("durable", 1, [change("a", { to: 2 })]);
    expect((await responses(desk, 3))[2]?.answers).toEqual(first);
    desk.outbox.acked(1, ["a"]);
    await desk.journal.close();
    const next = await startDesk({ home: desk.directory });
    next.give("durable", 3, [change("a", { to: 2 })]);
    expect(await answersTo(next, 3)).toMatchObject(refused);
    expect([desk.host.ran, next.host.ran]).toEqual([["a"], []]);
  });

  test("fields in another order - are the same contents", async () => {
    const desk = await startDesk();
    desk.give("durable", 1, [change("a", { x: 1, y: { p: 1, q: 2 } })]);
    await answersTo(desk, 1);
    desk.give("durable", 2, [change("a", { y: { q: 2, p: 1 }, x: 1 })]);
    expect(await answersTo(desk, 2)).toMatchObject([{ type: "ChangeAnswer", result: true }]);
    expect(desk.host.ran).toEqual(["a"]);
  });

  test("id twice in one Request - nothing of it is run, unless it only reads", async () => {
    const desk = await startDesk();
    desk.give("durable", 1, [change("a"), change("b"), change("a")], { onError: "continue" });
    const refused = { errorCode: "DUPLICATE_COMMAND_ID", outcome: "notSent" };
    expect(await answersTo(desk, 1)).toMatchObject([refused, refused, refused]);
    expect(desk.host.ran).toEqual([]);
    desk.give("durable", 2, [
      { type: "Read", id: "r" },
      { type: "Read", id: "r" },
    ]);
    expect(await answersTo(desk, 2)).toMatchObject([{ result: true }, { result: true }]);
  });

  test("Requests that share a Command, running at once - run it once", async () => {
    const desk = await startDesk();
    for (let seq = 1; seq <= 20; seq++) {
      desk.give("durable", seq, [change(`own-${seq}`), change("shared")]);
    }
    await responses(desk, 20);
    expect(desk.host.ran.filter((id) => id === "shared")).toHaveLength(1);
    expect(desk.host.ran).toHaveLength(21);
  });

  test("Request of a number that is open - is not run", async () => {
    const desk = await startDesk();
    desk.give("durable", 1, [change("a")]);
    desk.give("durable", 1, [change("b")]);
    await answersTo(desk, 1);
    desk.give("durable", 2, [change("c")]);
    await answersTo(desk, 2);
    expect(desk.host.ran).toEqual(["a", "c"]);
  });

  test("crash in between, then in another Request - the outcome is unknown, even for one that may run twice", async () => {
    const desk = await startDesk();
    await desk.journal.started({ seq: 1, ids: ["a"] }, "a");
    await desk.journal.started({ seq: 2, ids: ["b"] }, "b");
    await desk.journal.close();
    const next = await startDesk({ home: desk.directory });
    next.give("durable", 3, [change("a")]);
    next.give("durable", 4, [{ type: "Again", id: "b" }]);
    for (const seq of [3, 4]) {
      expect(await answersTo(next, seq)).toMatchObject([{ outcome: "unknown" }]);
    }
    next.give("durable", 2, [{ type: "Again", id: "b" }]);
    expect(await answersTo(next, 2)).toMatchObject([{ result: true }]);
    expect(next.host.ran).toEqual(["b"]);
  });
});

describe("whatever breaks", () => {
  test("agent that fails itself - each Command has its Answer, the queue goes on", async () => {
    const desk = await startDesk();
    desk.journal.recall = () => {
      throw new Error("a bug");
    };
    desk.give("durable", 1, [change("a"), change("b")], { inSequence: true, onError: "continue" });
    const failed = { errorCode: "AGENT_FAILED", outcome: "unknown" };
    expect(await answersTo(desk, 1)).toMatchObject([failed, failed]);
    desk.give("durable", 2, [{ type: "Read", id: "r" }], {
      inSequence: true,
      after: { seq: 1, withinMs: 3_600_000 },
    });
    expect(await answersTo(desk, 2)).toMatchObject([{ result: true }]);
  });

  test("idempotent Command of an earlier run that can't be noted - may have run then", async () => {
    const desk = await startDesk();
    await desk.journal.started({ seq: 1, ids: ["a"] }, "a");
    await desk.journal.close();
    const next = await startDesk({ home: desk.directory });
    next.journal.started = () => Promise.reject(new Error("no room"));
    next.give("durable", 1, [{ type: "Again", id: "a" }]);
    expect(await answersTo(next, 1)).toMatchObject([
      { errorCode: "JOURNAL_UNAVAILABLE", outcome: "unknown" },
    ]);
  });

  test("Answers that only read, never acknowledged - beyond 16 MiB they are sent and not kept", async () => {
    const desk = await startDesk();
    const large = "x".repeat(900_000);
    desk.host.execute = () => Promise.resolve({ type: "ReadAnswer", result: true, large });
    for (let seq = 1; seq <= 30; seq++)
      desk.give("durable", seq, [{ type: "Read", id: `r${seq}` }]);
    await responses(desk, 30);
    expect(desk.outbox.size).toBe(18);
    desk.outbox.acked(1, ["r1"]);
    desk.give("durable", 30, [{ type: "Read", id: "r30" }]);
    await responses(desk, 31);
    expect(desk.outbox.size).toBe(18);
  });
});

test("a held Request that comes again - waits for what it names now", async () => {
  const desk = await startDesk();
  const behind = (seq: number) => ({ inSequence: true, after: { seq, withinMs: 60_000 } });
  desk.give("durable", 3, [change("c")], behind(2));
  desk.give("durable", 3, [change("c")], behind(1));
  // Other contents under its number change nothing.
  desk.give("durable", 3, [change("d")], { inSequence: true });
  expect(desk.host.ran).toEqual([]);
  desk.give("durable", 1, [change("a")], { inSequence: true });
  await answersTo(desk, 3);
  expect(desk.host.ran).toEqual(["a", "c"]);
});
