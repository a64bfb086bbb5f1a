/** The disk that keeps the journals of a gateway's direct agents. Another disk knows nothing of what ran before. */
import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

export interface JournalDisk {
  /** Its name, made with it. */
  readonly id: string;
  /** The home of the agents' containers. */
  readonly home: string;
}

/** Makes the folder of a gateway's direct agents, or finds what an earlier run left. */
export async function openJournalDisk(musterHome: string, gatewayId: string): Promise<JournalDisk> {
  const home = join(musterHome, "direct-agents", gatewayId);
  const file = join(home, "journal-id");
  await mkdir(home, { recursive: true, mode: 0o700 });
  const known = await readFile(file, "utf8").catch(() => "");
  if (known.trim() !== "") return { id: known.trim(), home };
  const id = randomUUID();
  const fresh = await open(`${file}.new`, "w", 0o600);
  try {
    await fresh.writeFile(`${id}\n`);
    await fresh.sync();
  } finally {
    await fresh.close();
  }
  await rename(`${file}.new`, file);
  return { id, home };
}
