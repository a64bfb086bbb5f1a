/** Whatever moment an agent dies at, the next run keeps every promise that the journal had made by then. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Journal } from "../../../src/agent/journal.ts";
import type { RequestKey } from "../../../src/agent/request-key.ts";
import { onDisk } from "./disk-that-fails.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const log = pino({ level: "silent" });
let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "muster-journal-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const pathIn = (home: string) => join(home, "sub", "journal.jsonl");

async function load(home: string): Promise<Journal> {
  const journal = new Journal(pathIn(home), log);
  await journal.load();
  return journal;
}

/** What the journal has promised of a Command. */
interface Promised {
  readonly request: RequestKey;
  readonly id: string;
  what: "started" | "answered" | "acked";
}

/** The life of an agent: Requests of two Commands, started, answered and acknowledged, some of them not to the end. */
async function live(journal: Journal, told: (promised: Promised) => void): Promise<void> {
  for (let seq = 1; seq <= 4; seq++) {
    const request = { seq, ids: [`a${seq}`, `b${seq}`], digests: ["x", "y"] };
    for (const id of request.ids) {
      await journal.started(request, id);
      told({ request, id, what: "started" });
      if (seq % 4 === 0 && id.startsWith("b")) continue;
      await journal.answered(request, id, answerOf(id));
      told({ request, id, what: "answered" });
    }
    if (seq % 2 === 0) continue;
    journal.acked(request);
    for (const id of request.ids) told({ request, id, what: "acked" });
  }
}

const answerOf = (id: string) => JSON.stringify({ type: "T", commandId: id, result: true });

/** What a journal knows that was promised must be what it says; never that a Command is new. */
function expectKept(journal: Journal, promises: Iterable<Promised>): void {
  for (const { request, id, what } of promises) {
    const recalled = journal.recall(request, id);
    const told = `${what} ${id}`;
    if (what === "started") expect(recalled.type, told).not.toBe("new");
    else if (!journal.isAcked(request)) {
      expect(recalled, told).toEqual({ type: "answered", answer: answerOf(id) });
    }
  }
}

/** The newest promise of each Command. */
class Promises {
  readonly #newest = new Map<string, Promised>();
  note = (promised: Promised): void => {
    this.#newest.set(promised.id, promised);
  };
  all(): readonly Promised[] {
    return [...this.#newest.values()];
  }
}

describe("kill -9", () => {
  test("file cut at every byte - each promise that it held is kept", async () => {
    const promised: { readonly bytes: number; readonly promise: Promised }[] = [];
    const journal = await load(directory);
    await live(journal, (promise) => {
      if (promise.what === "acked") return;
      promised.push({ bytes: readFileSync(pathIn(directory)).length, promise });
    });
    await journal.close();
    const whole = readFileSync(pathIn(directory));
    const home = join(directory, "cut");
    mkdirSync(join(home, "sub"), { recursive: true });
    for (let bytes = 0; bytes <= whole.length; bytes++) {
      writeFileSync(pathIn(home), whole.subarray(0, bytes));
      const promises = new Promises();
      for (const one of promised) if (one.bytes <= bytes) promises.note(one.promise);
      expectKept(await load(home), promises.all());
    }
    expect(whole.length).toBeGreaterThan(1_000);
  });

  test("at every operation of the disk - each promise by then is kept", async () => {
    for (let at = 0, isOver = false; !isOver; at++) {
      const home = join(directory, String(at));
      const promises = new Promises();
      const { operations } = await onDisk(
        (nth) => (nth === at ? "diesHalfway" : "happens"),
        async () => {
          const journal = await load(home);
          await live(journal, promises.note);
          await journal.close();
        },
      );
      isOver = operations <= at;
      expectKept(await load(home), promises.all());
      if (isOver) expect(at).toBeGreaterThan(15);
    }
  });

  test("while the file is written anew, at every operation - each promise by then is kept", async () => {
    const before = join(directory, "before");
    const promises = new Promises();
    const journal = await load(before);
    await live(journal, promises.note);
    await fillUp(journal);
    await journal.close();
    for (let at = 0, isOver = false; !isOver; at++) {
      const home = join(directory, String(at));
      cpSync(before, home, { recursive: true });
      const request = { seq: 9_999, ids: ["z"] };
      const { operations } = await onDisk(
        (nth) => (nth === at ? "diesHalfway" : "happens"),
        async () => {
          const again = await load(home);
          await again.started(request, "z");
          promises.note({ request, id: "z", what: "started" });
          await again.close();
        },
      );
      isOver = operations <= at;
      const next = await load(home);
      const held = promises.all().filter(({ id }) => isOver || id !== "z");
      expectKept(next, held);
      if (!isOver) continue;
      expect(readFileSync(pathIn(home)).length).toBeLessThan(
        readFileSync(pathIn(before)).length / 2,
      );
      expect(at).toBeGreaterThan(4);
    }
  });

  test("while a damaged file is set aside, at every operation - nothing is forgotten, doubt stays", async () => {
    const lost = { seq: 1, ids: ["lost"] };
    const kept = { seq: 2, ids: ["kept"] };
    for (let at = 0, isOver = false; !isOver; at++) {
      const home = join(directory, String(at));
      mkdirSync(join(home, "sub"), { recursive: true });
      const lines = [
        "rubbish",
        JSON.stringify({ t: "request", ...kept }),
        JSON.stringify({ t: "started", key: "kept", id: "kept" }),
      ];
      writeFileSync(pathIn(home), `${lines.join("\n")}\n`);
      const { operations } = await onDisk(
        (nth) => (nth === at ? "diesHalfway" : "happens"),
        async () => (await load(home)).close(),
      );
      isOver = operations <= at;
      const next = await load(home);
      expect(next.recall(lost, "lost")).toEqual({ type: "doubtful" });
      expect(next.recall(kept, "kept")).toEqual({ type: "started" });
    }
  });
});

/** History that makes it worth to write the file anew. */
async function fillUp(journal: Journal): Promise<void> {
  const answer = JSON.stringify({ type: "T", commandId: "f", result: true, log: "x".repeat(500) });
  for (let seq = 100; seq < 900; seq++) {
    const request = { seq, ids: [`f${seq}`] };
    const noted = journal.answered(request, `f${seq}`, answer);
    if (seq % 100 === 0) await noted;
    journal.acked(request);
  }
}

describe("disk that fails", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });

  test("at any one operation - nothing that was promised is forgotten, and the next write works", async () => {
    for (let at = 0, isOver = false; !isOver; at++) {
      const home = join(directory, String(at));
      const promises = new Promises();
      const { operations } = await onDisk(
        (nth) => (nth === at ? full : "happens"),
        async () => {
          const journal = await load(home);
          for (let seq = 1; seq <= 6; seq++) {
            const request = { seq, ids: [`a${seq}`] };
            const start = async () => {
              await journal.started(request, `a${seq}`);
              promises.note({ request, id: `a${seq}`, what: "started" });
            };
            try {
              await start();
            } catch (error) {
              expect(error).toMatchObject({ code: "JOURNAL_UNAVAILABLE", cause: full });
              expect(journal.recall(request, `a${seq}`)).toEqual({ type: "new" });
              // After a failure that took long it rests for a while.
              await waitUntil("the next write works", () =>
                start().then(
                  () => true,
                  () => false,
                ),
              );
            }
          }
          await journal.close();
        },
      );
      isOver = operations <= at;
      expectKept(await load(home), promises.all());
    }
  });

  test("Answers that could not be written - are, once there is room", async () => {
    let isFull = false;
    const request = { seq: 1, ids: ["a"] };
    await onDisk(
      (_nth, name) => (isFull && name === "appendFile" ? full : "happens"),
      async () => {
        const journal = await load(directory);
        await journal.started(request, "a");
        isFull = true;
        await expect(journal.answered(request, "a", answerOf("a"))).rejects.toThrow("ENOSPC");
        isFull = false;
        await journal.started({ seq: 2, ids: ["b"] }, "b");
        await journal.close();
      },
    );
    const next = await load(directory);
    expect(next.recall(request, "a")).toEqual({ type: "answered", answer: answerOf("a") });
  });

  test("no room to write the file anew - the old one goes on", async () => {
    const journal = await load(directory);
    await fillUp(journal);
    const request = { seq: 9_999, ids: ["z"] };
    const size = () => readFileSync(pathIn(directory)).length;
    const before = size();
    await onDisk(
      (_nth, name) => (name === "open" ? full : "happens"),
      () => journal.started(request, "z"),
    );
    expect(size()).toBeGreaterThan(before);
    await journal.close();
    expect((await load(directory)).recall(request, "z")).toEqual({ type: "started" });
  });
});
