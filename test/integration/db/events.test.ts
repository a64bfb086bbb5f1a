import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import {
  listEvents,
  listRecordedAfter,
  migrate,
  newestEventId,
  writeAgentRecord,
  type Db,
  type EventRow,
} from "../../../src/db/index.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { useDatabase } from "../../helpers/database.ts";

const database = useDatabase();

async function append(db: Db, agentId: string, ...numbers: number[]): Promise<void> {
  await writeAgentRecord(db, {
    agentId,
    status: "Up",
    statusReason: "",
    statusSinceMs: 0,
    resourceState: "Enabled",
    events: numbers.map((no) => ({ no, atMs: no, epoch: 1, type: "status", text: "" })),
  });
}

/**
 * Waits until nothing is held back. A transaction anywhere on the server counts, and other test files share it.
 */
async function settled(): Promise<void> {
  await waitUntil("no event is held back", async () => {
    const { rows } = await database.pool.query(
      "SELECT FROM events WHERE tx >= pg_snapshot_xmin(pg_current_snapshot()) LIMIT 1",
    );
    return rows.length === 0;
  });
}

async function newest(): Promise<number> {
  await settled();
  return await newestEventId(database.pool);
}

async function readOn(afterId: number, seen: EventRow[], limit = 7): Promise<number> {
  const events = await listEvents(database.pool, { afterId, limit });
  seen.push(...events);
  return events.at(-1)?.id ?? afterId;
}

describe("event stream", () => {
  it("holds back what was written beside a transaction that is still open, then gives both", async () => {
    const { pool } = database;
    const [slow, quick] = [`slow-${randomUUID()}`, `quick-${randomUUID()}`];
    const start = await newest();
    const open = await pool.connect();
    try {
      await open.query("BEGIN");
      await append(open, slow, 1);
      await append(pool, quick, 1);
      // The smaller id is not visible yet: whoever went on from the bigger one would never see it.
      expect(await listEvents(pool, { afterId: start, limit: 10 })).toEqual([]);
      expect(await newestEventId(pool)).toBe(start);
      await open.query("COMMIT");
    } finally {
      open.release();
    }
    await settled();
    const events = await listEvents(pool, { afterId: start, limit: 10 });
    expect(events.map((event) => event.agentId)).toEqual([slow, quick]);
    expect(await newestEventId(pool)).toBe(events[1]?.id);
  });

  it("misses none and repeats none when ids and transactions rise in different orders", async () => {
    const { pool } = database;
    const start = await newest();
    const early = await pool.connect();
    const late = await pool.connect();
    const run = randomUUID();
    const seen: EventRow[] = [];
    try {
      await early.query("BEGIN");
      await early.query("SELECT pg_current_xact_id()");
      await late.query("BEGIN");
      await append(late, `late-${run}`, 1);
      await append(early, `early-${run}`, 1);
      await early.query("COMMIT");
      // The older transaction has the bigger id and is complete: it may be read, and must not hide the other one.
      const last = await readOn(start, seen);
      await late.query("COMMIT");
      await settled();
      await readOn(last, seen);
    } finally {
      early.release();
      late.release();
    }
    expect(seen.map((event) => event.agentId)).toEqual([`early-${run}`, `late-${run}`]);
  });

  it("gives a reader that resumes by id every event once while many write", async () => {
    const { pool } = database;
    const start = await newest();
    const writers = 8;
    const eachWrites = 40;
    let writing = writers;
    const run = randomUUID();
    const write = async (writer: number): Promise<void> => {
      for (let no = 1; no <= eachWrites; no += 2)
        await append(pool, `${run}-${writer}`, no, no + 1);
      writing -= 1;
    };
    const seen: EventRow[] = [];
    const read = async (): Promise<void> => {
      let last = start;
      for (;;) {
        const wasWriting = writing > 0;
        if (!wasWriting) await settled();
        const before = seen.length;
        last = await readOn(last, seen);
        if (!wasWriting && seen.length === before) return;
      }
    };
    await Promise.all([...Array.from({ length: writers }, (_, i) => write(i)), read()]);
    const keys = seen.map((event) => `${event.agentId}/${event.no}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toHaveLength(writers * eachWrites);
    for (let writer = 0; writer < writers; writer++) {
      const own = seen.filter((event) => event.agentId === `${run}-${writer}`);
      expect(own.map((event) => event.no)).toEqual(
        Array.from({ length: eachWrites }, (_, i) => i + 1),
      );
    }
  });

  it("gives one agent's events alone when asked", async () => {
    const { pool } = database;
    const agentId = `one-${randomUUID()}`;
    await append(pool, agentId, 1, 2, 3);
    await append(pool, `other-${randomUUID()}`, 1);
    await settled();
    const events = await listEvents(pool, { afterId: 0, limit: 100, agentId });
    expect(events.map((event) => event.no)).toEqual([1, 2, 3]);
    const afterId = events[0]?.id ?? 0;
    const rest = await listEvents(pool, { afterId, limit: 1, agentId });
    expect(rest.map((event) => event.no)).toEqual([2]);
  });

  it("tells which agents' newest event is of a later session", async () => {
    const { pool } = database;
    const agentId = `recorded-${randomUUID()}`;
    const after = (epoch: number) => [
      { agentId, epoch },
      { agentId: `unknown-${randomUUID()}`, epoch },
    ];
    await append(pool, agentId, 1, 2);
    expect(await listRecordedAfter(pool, after(0))).toEqual([agentId]);
    expect(await listRecordedAfter(pool, after(1))).toEqual([]);
  });

  it("goes on after a logical restore, whose transaction numbers this server has yet to reach", async () => {
    const { pool, url } = database;
    const restored = `restored-${randomUUID()}`;
    await append(pool, restored, 1, 2);
    await pool.query("UPDATE events SET tx = '4000000000' WHERE agent_id = $1", [restored]);
    expect(await listEvents(pool, { afterId: 0, limit: 10, agentId: restored })).toEqual([]);
    await migrate(url, pino({ level: "silent" }));
    const last = await newest();
    await append(pool, restored, 3);
    await settled();
    const all = await listEvents(pool, { afterId: 0, limit: 10, agentId: restored });
    expect(all.map((event) => event.no)).toEqual([1, 2, 3]);
    const news = await listEvents(pool, { afterId: last, limit: 10 });
    expect(news.map((event) => [event.agentId, event.no])).toEqual([[restored, 3]]);
  });
});
