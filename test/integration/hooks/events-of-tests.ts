import { writeAgentRecord, type Db } from "../../../src/db/index.ts";

/** Appends events of one agent to the event log, as its lifecycle does. */
export async function appendEvents(
  db: Db,
  agentId: string,
  numbers: readonly number[],
  type = "status",
): Promise<void> {
  await writeAgentRecord(db, {
    ...{ agentId, status: "Up", statusReason: "a test", statusSinceMs: 0 },
    resourceState: "Enabled",
    events: numbers.map((no) => ({ no, atMs: no, epoch: 1, type, text: `${agentId} ${no}` })),
  });
}

/** Several agents' events at the same time, two a statement; gives how many each agent has. */
export async function appendFromMany(
  db: Db,
  agentIds: readonly string[],
  eachHas: number,
): Promise<void> {
  await Promise.all(
    agentIds.map(async (agentId) => {
      for (let no = 1; no <= eachHas; no += 2) await appendEvents(db, agentId, [no, no + 1]);
    }),
  );
}
