import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { Journal } from "../../../src/agent/journal.ts";
import { JournalFile } from "../../../src/agent/journal-file.ts";
import { Outbox } from "../../../src/agent/outbox.ts";
import type { RequestKey } from "../../../src/agent/request-key.ts";

const log = pino({ level: "silent" });
let directory = "";
let path = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "muster-journal-"));
  path = join(directory, "sub", "journal.jsonl");
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function load(): Promise<Journal> {
  const journal = new Journal(path, log);
  await journal.load();
  return journal;
}

const request: RequestKey = { seq: 7, ids: ["a", "b"] };
const answer = (id: string) => JSON.stringify({ type: "T", commandId: id, result: true });

describe("journal", () => {
  test("file - appears with the first line, and only then", async () => {
    const journal = await load();
    expect(readdirSync(directory)).toEqual([]);
    await journal.started(request, "a");
    await journal.close();
    expect(readFileSync(path, "utf8").trim().split("\n")).toHaveLength(2);
  });

  test("next run - recalls what was started, answered and acknowledged", async () => {
    const journal = await load();
    await journal.started(request, "a");
    await journal.answered(request, "a", answer("a"));
    await journal.started(request, "b");
    const other = { seq: 8, ids: ["c"] };
    await journal.answered(other, "c", answer("c"));
    journal.acked(other);
    await journal.close();
    const next = await load();
    expect(next.recall(request, "a")).toEqual({ type: "answered", answer: answer("a") });
    expect(next.recall(request, "b")).toEqual({ type: "started" });
    expect(next.recall({ seq: 9, ids: ["z"] }, "z")).toEqual({ type: "new" });
    expect([next.isAcked(other), next.isAcked(request)]).toEqual([true, false]);
    expect(next.answeredRequests()).toEqual([]);
    expect(next.finishedSeqs()).toEqual([8]);
  });

  test("torn last line - is dropped, and what is written next is whole", async () => {
    const journal = await load();
    await journal.answered({ seq: 1, ids: ["a"] }, "a", answer("a"));
    await journal.close();
    writeFileSync(path, `${readFileSync(path, "utf8")}{"t":"started","key":"a`);
    const next = await load();
    await next.started({ seq: 2, ids: ["n"] }, "n");
    await next.close();
    expect(readdirSync(join(directory, "sub"))).toEqual(["journal.jsonl"]);
    const last = await load();
    expect(last.recall({ seq: 1, ids: ["a"] }, "a").type).toBe("answered");
    expect(last.recall({ seq: 2, ids: ["n"] }, "n").type).toBe("started");
  });

  test("damaged line - the file is set aside, the rest kept, older unknown Requests doubted", async () => {
    mkdirSync(join(directory, "sub"));
    writeFileSync(path, 'rubbish\n{"t":"request","seq":5,"ids":["e"]}\n');
    const journal = await load();
    expect(journal.recall({ seq: 4, ids: ["d"] }, "d")).toEqual({ type: "doubtful" });
    expect(journal.recall({ seq: 6, ids: ["f"] }, "f")).toEqual({ type: "new" });
    await journal.started({ seq: 6, ids: ["f"] }, "f");
    await journal.close();
    const next = await load();
    expect(next.recall({ seq: 6, ids: ["f"] }, "f")).toEqual({ type: "started" });
    expect(next.recall({ seq: 5, ids: ["e"] }, "e")).toEqual({ type: "new" });
  });

  test("disk that can't be written - the Command counts as not started, later ones work", async () => {
    writeFileSync(join(directory, "sub"), "in the way of the directory");
    const journal = await load().catch(() => new Journal(path, log));
    await expect(journal.started(request, "a")).rejects.toMatchObject({
      code: "JOURNAL_UNAVAILABLE",
    });
    expect(journal.recall(request, "a")).toEqual({ type: "new" });
    rmSync(join(directory, "sub"));
    await journal.started(request, "b");
    await journal.close();
    const next = await load();
    expect(next.recall(request, "b")).toEqual({ type: "started" });
    expect(next.recall(request, "a")).toEqual({ type: "new" });
  });

  test("long life - the file is written anew and stays small, nothing is forgotten", async () => {
    const journal = await load();
    for (let seq = 1; seq <= 3_000; seq++) {
      const one = { seq, ids: [`c${seq}`] };
      const noted = journal.answered(one, `c${seq}`, answer(`c${seq}`));
      if (seq % 100 === 0) await noted;
      if (seq !== 1_500) journal.acked(one);
    }
    await journal.started(request, "a");
    await journal.close();
    expect(readFileSync(path, "utf8").split("\n").length).toBeLessThan(8_500);
    const next = await load();
    expect(next.recall({ seq: 1_500, ids: ["c1500"] }, "c1500").type).toBe("answered");
    expect(next.recall(request, "a")).toEqual({ type: "started" });
    expect(next.isAcked({ seq: 3_000, ids: ["c3000"] })).toBe(true);
    expect(next.answeredRequests().map(({ seq }) => seq)).toEqual([1_500]);
  });

  test("many at once - one write for all that wait", async () => {
    const file = new JournalFile(path, () => []);
    const before = performance.now();
    await Promise.all(Array.from({ length: 2_000 }, (_, i) => file.append(`{"i":${i}}`)));
    await file.close();
    expect(readFileSync(path, "utf8").trim().split("\n")).toHaveLength(2_000);
    // Two thousand separate syncs would take far longer than this on any disk that really syncs.
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});

describe("lines that are in no hurry", () => {
  const content = () => (existsSync(path) ? readFileSync(path, "utf8") : "");

  test("the next line - takes them along, in order", async () => {
    const file = new JournalFile(path, () => []);
    const later = file.appendLater('{"i":1}');
    expect(content()).toBe("");
    await file.append('{"i":2}');
    expect(content()).toBe('{"i":1}\n{"i":2}\n');
    await later;
    await file.close();
  });

  test("no next line - they are written by themselves in a second", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const file = new JournalFile(path, () => []);
    const later = file.appendLater('{"i":1}');
    vi.advanceTimersByTime(1_000);
    await later;
    expect(content()).toBe('{"i":1}\n');
    await file.close();
  });

  test("closing - writes them", async () => {
    const file = new JournalFile(path, () => []);
    const later = file.appendLater('{"i":1}');
    await file.close();
    await later;
    expect(content()).toBe('{"i":1}\n');
    await expect(file.appendLater('{"i":2}')).rejects.toMatchObject({
      code: "JOURNAL_UNAVAILABLE",
    });
  });
});

describe("outbox", () => {
  test("Responses - leave in seq order, until acknowledged", async () => {
    const outbox = new Outbox(await load());
    outbox.add({ seq: 9, ids: ["i"] }, [answer("i")]);
    outbox.add({ seq: 2, ids: ["b"] }, [answer("b")]);
    expect([...outbox.all()].map((text) => (JSON.parse(text) as { seq: number }).seq)).toEqual([
      2, 9,
    ]);
    outbox.acked(2, ["other"]);
    outbox.acked(3, ["b"]);
    expect(outbox.size).toBe(2);
    outbox.acked(2, ["b"]);
    expect([outbox.size, outbox.find({ seq: 2, ids: ["b"] })]).toEqual([1, undefined]);
  });

  test("never acknowledged - sent again after a minute, then after another", async () => {
    let nowMs = 0;
    const outbox = new Outbox(await load(), () => nowMs);
    const text = outbox.add({ seq: 1, ids: ["a"] }, [answer("a")]);
    nowMs = 60_000;
    expect([...outbox.overdue()]).toEqual([]);
    nowMs = 60_001;
    expect([...outbox.overdue()]).toEqual([text]);
    expect([...outbox.overdue()]).toEqual([]);
  });
});
