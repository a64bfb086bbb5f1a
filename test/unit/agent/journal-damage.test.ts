import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Journal } from "../../../src/agent/journal.ts";

let directory = "";
let path = "";
let logged: string[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "muster-journal-"));
  path = join(directory, "agents", "a1", "journal.jsonl");
  mkdirSync(dirname(path), { recursive: true });
  logged = [];
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function load(): Promise<Journal> {
  const log = pino({ level: "warn" }, { write: (line) => logged.push(line) });
  const journal = new Journal(path, log);
  await journal.load();
  return journal;
}

const requestOf = (seq: number, fresh?: boolean) => ({
  seq,
  ids: [`c${seq}`],
  ...(fresh !== undefined && { fresh }),
});
const lineOf = (seq: number) => JSON.stringify({ t: "request", ...requestOf(seq) });
const started = (seq: number) =>
  JSON.stringify({ t: "started", key: `c${seq}`, id: `c${seq}`, seq });
const recalled = (journal: Journal, seq: number, fresh?: boolean) =>
  journal.recall(requestOf(seq, fresh), `c${seq}`).type;
const setAside = () => readdirSync(dirname(path)).filter((name) => name.includes(".damaged-"));

describe("damaged journal", () => {
  test.each([
    ["half a line in the middle", [lineOf(1), started(1).slice(0, 20), lineOf(2), started(2)]],
    ["something else than an object", [lineOf(1), "5", lineOf(2), started(2)]],
    ["an object that is no line", [lineOf(1), '{"some":"thing"}', lineOf(2), started(2)]],
    ["a field of the wrong type", [lineOf(1), '{"t":"started","key":1}', lineOf(2), started(2)]],
    ["an Answer that is none", [lineOf(1), answerLine("5"), lineOf(2), started(2)]],
    ["NULs", [lineOf(1), "\0\0\0", lineOf(2), started(2)]],
  ])("%s - set aside with an error, the rest kept, what is lost in doubt", async (_what, lines) => {
    const text = `${lines.join("\n")}\n`;
    writeFileSync(path, text);
    const expected = (journal: Journal) => {
      expect(recalled(journal, 1)).toBe("doubtful");
      expect(recalled(journal, 2)).toBe("started");
      expect(recalled(journal, 3)).toBe("new");
      expect(journal.recall({ seq: 1, ids: ["other"] }, "other").type).toBe("doubtful");
    };
    const journal = await load();
    expected(journal);
    await journal.close();
    expect(logged.join("")).toContain("the journal was damaged");
    expect(setAside()).toHaveLength(1);
    expect(readFileSync(join(dirname(path), setAside()[0] ?? ""), "utf8")).toBe(text);
    logged = [];
    expected(await load());
    expect([logged, setAside().length]).toEqual([[], 1]);
  });

  test("bytes that are no UTF-8 - the same", async () => {
    const broken = Buffer.from(`${lineOf(1)}\n{"t":"started","key":"c1?"}\n${lineOf(2)}\n`);
    broken[broken.indexOf("?")] = 0xff;
    writeFileSync(path, broken);
    const journal = await load();
    expect([recalled(journal, 1), recalled(journal, 2)]).toEqual(["doubtful", "new"]);
    expect(setAside()).toHaveLength(1);
  });

  test("what was noted after the damage - is in no doubt", async () => {
    writeFileSync(path, `rubbish\n${lineOf(5)}\n`);
    const journal = await load();
    expect([recalled(journal, 5), recalled(journal, 4)]).toEqual(["new", "doubtful"]);
    await journal.started(requestOf(6), "c6");
    await journal.close();
    const next = await load();
    expect([4, 5, 6, 7].map((seq) => recalled(next, seq))).toEqual([
      "doubtful",
      "new",
      "started",
      "new",
    ]);
  });

  test("damaged lines at the end that show their numbers - tell up to where there is doubt", async () => {
    writeFileSync(path, `${lineOf(3)}\n${lineOf(8).replace('"t"', "T")}\n`);
    const journal = await load();
    expect([3, 8, 9].map((seq) => recalled(journal, seq))).toEqual(["doubtful", "doubtful", "new"]);
  });

  test.each([
    ["nothing but rubbish", "rubbish\n"],
    ["rubbish without a line break", "\u0000\u0001rubbish"],
    ["nothing but NULs", "\0\0\0\0"],
    ["rubbish at the end", `${lineOf(3)}\nrubbish\n`],
  ])(
    "%s - every Request is in doubt that the manager may have given before",
    async (_what, text) => {
      writeFileSync(path, text);
      const journal = await load();
      expect(logged.join("")).toContain("the journal was damaged");
      expect([recalled(journal, 1_000), recalled(journal, 1_001, true)]).toEqual([
        "doubtful",
        "new",
      ]);
      // One that it certainly did not tells up to where: numbers rise.
      await journal.started(requestOf(1_001, true), "c1001");
      await journal.close();
      const next = await load();
      expect([1_000, 1_001, 1_002].map((seq) => recalled(next, seq))).toEqual([
        "doubtful",
        "started",
        "new",
      ]);
    },
  );

  test.each([
    ["cut off", started(2).slice(0, -1)],
    ["cut off early", '{"t'],
    ["cut off, with what a power failure leaves", '{"t":"sta\0\0\0\0'],
    ["not there but for what a power failure leaves", "\0\0\0\0"],
  ])("last line %s - is dropped, nobody was promised anything of it", async (_what, rest) => {
    writeFileSync(path, `${lineOf(1)}\n${started(1)}\n${lineOf(2)}\n${rest}`);
    const journal = await load();
    expect([1, 2, 3].map((seq) => recalled(journal, seq))).toEqual(["started", "new", "new"]);
    await journal.started(requestOf(3), "c3");
    await journal.close();
    const next = await load();
    expect([1, 2, 3].map((seq) => recalled(next, seq))).toEqual(["started", "new", "started"]);
    expect([setAside(), logged]).toEqual([[], []]);
  });

  test("lines of a later version - are left out with a warning", async () => {
    writeFileSync(path, `${lineOf(1)}\n{"t":"invented","x":1}\n${started(1)}\n`);
    expect(recalled(await load(), 1)).toBe("started");
    expect(logged.join("")).toContain("later version");
    expect(setAside()).toEqual([]);
  });

  test("lines of an earlier version - are understood", async () => {
    const earlier = [
      '{"t":"request","seq":1,"ids":["c1","d1"]}',
      '{"t":"started","key":"c1","id":"c1"}',
      '{"t":"answer","key":"c1","id":"c1","answer":{"type":"T","commandId":"c1","result":true}}',
      '{"t":"acked","seq":9,"ids":["c9"]}',
    ];
    writeFileSync(path, `${earlier.join("\n")}\n`);
    const journal = await load();
    expect(recalled(journal, 1)).toBe("answered");
    expect(journal.recall({ seq: 1, ids: ["c1", "d1"] }, "d1").type).toBe("new");
    expect(journal.isAcked(requestOf(9))).toBe(true);
    expect(logged).toEqual([]);
  });

  test("directory in its place - the agent does not start, and says why", async () => {
    mkdirSync(path);
    await expect(load()).rejects.toMatchObject({
      code: "JOURNAL_UNAVAILABLE",
      message: expect.stringContaining("EISDIR") as string,
    });
  });

  test("file of another user - the same, and the file stays as it is", async () => {
    writeFileSync(path, `${lineOf(1)}\n`);
    chmodSync(path, 0);
    // Root may read everything: as nobody, then.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      await expect(load()).rejects.toMatchObject({
        code: "JOURNAL_UNAVAILABLE",
        message: expect.stringContaining("EACCES") as string,
      });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    chmodSync(path, 0o600);
    expect(readFileSync(path, "utf8")).toBe(`${lineOf(1)}\n`);
  });
});

function answerLine(answer: string): string {
  return `{"t":"answer","key":"c1","id":"c1","seq":1,"answer":${answer}}`;
}

describe("bounds", () => {
  const large = (id: string, bytes: number) =>
    JSON.stringify({ type: "T", commandId: id, result: true, log: "x".repeat(bytes) });

  test("unacknowledged Answers - beyond the limit new Requests are refused, known ones go on", async () => {
    const log = pino({ level: "silent" });
    const journal = new Journal(path, log, 1_000);
    const known = { seq: 1, ids: ["a", "b"] };
    await journal.started(known, "a");
    await journal.answered(known, "a", large("a", 2_000));
    await expect(journal.started(requestOf(2), "c2")).rejects.toMatchObject({
      code: "JOURNAL_FULL",
    });
    await journal.started(known, "b");
    await journal.answered(known, "b", large("b", 10));
    journal.acked(known);
    await journal.started(requestOf(2), "c2");
    await journal.close();
  });

  test("large Answers, acknowledged - the file stays small in bytes too", async () => {
    const journal = await load();
    let largest = 0;
    for (let seq = 1; seq <= 60; seq++) {
      await journal.answered(requestOf(seq), `c${seq}`, large(`c${seq}`, 50_000));
      journal.acked(requestOf(seq));
      largest = Math.max(largest, readFileSync(path).length);
    }
    expect(largest).toBeLessThan(512 * 1024);
    await journal.close();
    expect(recalled(await load(), 61)).toBe("new");
  });

  test("memory - keeps the ids of a thousand acknowledged Requests, and nothing of their Answers", async () => {
    const journal = await load();
    for (let seq = 1; seq <= 1_200; seq++) {
      const noted = journal.answered(requestOf(seq), `c${seq}`, large(`c${seq}`, 10));
      if (seq % 100 === 0) await noted;
      journal.acked(requestOf(seq));
    }
    expect(journal.sizes).toEqual({
      unacknowledged: 0,
      acknowledged: 1_000,
      commandIds: 1_000,
      unackedBytes: 0,
    });
    expect([journal.isAcked(requestOf(200)), journal.isAcked(requestOf(201))]).toEqual([
      false,
      true,
    ]);
    await journal.close();
  });
});

describe("Command ids", () => {
  const answer = JSON.stringify({ type: "T", commandId: "a", result: true });
  const first = { seq: 1, ids: ["a"], digests: ["same"] };

  test("in another Request - the same Answer, as long as it is there; never another run", async () => {
    const journal = await load();
    const other = { seq: 2, ids: ["x", "a"], digests: ["x", "same"] };
    await journal.started(first, "a");
    const before = { type: "givenBefore", seq: 1 };
    expect(journal.recall(other, "a")).toEqual({ ...before, answer: undefined });
    await journal.answered(first, "a", answer);
    expect(journal.recall(other, "a")).toEqual({ ...before, answer });
    journal.acked(first);
    expect(journal.recall(other, "a")).toEqual({ ...before, answer: undefined });
    await journal.close();
    expect((await load()).recall(other, "a")).toEqual({ ...before, answer: undefined });
  });

  test("with other contents - are taken, in whatever Request", async () => {
    const journal = await load();
    await journal.started(first, "a");
    const taken = { type: "idTaken", seq: 1 };
    const others = [
      { seq: 2, ids: ["a"], digests: ["other"] },
      { ...first, digests: ["other"] },
    ];
    for (const other of others) expect(journal.recall(other, "a")).toEqual(taken);
    await journal.answered(first, "a", answer);
    expect(journal.recall({ ...first, digests: ["other"] }, "a").type).toBe("answered");
    journal.acked(first);
    await journal.close();
    const next = await load();
    expect(next.recall({ seq: 2, ids: ["a"], digests: ["other"] }, "a")).toEqual(taken);
  });

  test("of a Request that comes again half done, with other contents - are not run", async () => {
    const journal = await load();
    const batch = { seq: 1, ids: ["a", "b"], digests: ["a", "b"] };
    await journal.answered(batch, "a", answer);
    expect(journal.recall(batch, "b").type).toBe("new");
    expect(journal.recall({ ...batch, digests: ["a", "other"] }, "b").type).toBe("idTaken");
    await journal.close();
  });
});

describe("a Request that an earlier owner may have had", () => {
  test("is known by what this journal noted, else only the other one could tell", async () => {
    const journal = await load();
    const given = (seq: number, id: string) => ({ seq, ids: ["c1", "c2"], id, handedBefore: true });
    const recall = (id: string) => journal.recall(given(1, id), id).type;
    expect(recall("c1")).toBe("elsewhere");
    await journal.answered(given(1, "c1"), "c1", '{"type":"A","commandId":"c1","result":true}');
    expect([recall("c1"), recall("c2")]).toEqual(["answered", "elsewhere"]);
    await journal.close();
  });
});
