/** A disk that is really full: a small tmpfs, which only root may mount. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import { afterTest, agentOptions, makeHome, startAgent, startGateway } from "./agent-under-test.ts";
import type { FakeSession } from "./fake-gateway.ts";

const mountable = (() => {
  const at = mkdtempSync(join(tmpdir(), "muster-mount-"));
  try {
    mount(at);
    execFileSync("umount", [at]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(at, { recursive: true });
  }
})();

function mount(at: string): void {
  const options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", at];
  execFileSync("mount", options, { stdio: "ignore" });
}

/** An agent's home on a disk of 256 KiB; what its host does is kept elsewhere. */
function smallHome() {
  const home = makeHome();
  const path = join(home.path, "small");
  mkdirSync(path);
  mount(path);
  // Lazily: an agent that is stopped only now may have a file open.
  afterTest(() => execFileSync("umount", ["--lazy", path]));
  const ballast = join(path, "ballast");
  return {
    ...home,
    path,
    fill: () => {
      for (let bytes = 256 * 1024; bytes >= 1; bytes = Math.floor(bytes / 2)) {
        try {
          writeFileSync(ballast, Buffer.alloc(bytes), { flag: "a" });
        } catch {
          // Less fits.
        }
      }
    },
    makeRoom: () => {
      rmSync(ballast);
    },
  };
}

/** Takes effect each time. */
const startVm = (id: string) => ({
  type: "StartVm",
  id,
  vm: id,
  spec: { cpuCount: 1, memoryBytes: 1 },
});

async function answerTo(session: FakeSession, seq: number, command: { type: string; id: string }) {
  session.durable(seq, [command]);
  const [answer] = await session.answers("durable", seq);
  session.ack(seq, [command.id]);
  return answer;
}

describe.skipIf(!mountable)("full disk (needs to mount a tmpfs)", () => {
  test("new Commands that change something are refused, others run; it works again when there is room", async () => {
    const gateway = await startGateway();
    const home = smallHome();
    const agent = startAgent(agentOptions(home, [gateway.url]));
    const session = await gateway.session();
    expect(await answerTo(session, 1, startVm("before"))).toMatchObject({ result: true });
    home.fill();
    let seq = 1;
    const next = () => answerTo(session, ++seq, startVm(`c${seq}`));
    // Some bytes of the file's last block are left.
    const refused = await waitUntil("the disk is full", async () => {
      const answer = await next();
      return answer?.result === false && answer;
    });
    expect(refused).toMatchObject({ outcome: "notSent", errorCode: "JOURNAL_UNAVAILABLE" });
    expect(refused.details).toContain("ENOSPC");
    const read = { type: "ListVms", id: "read" };
    expect(await answerTo(session, 1_000, read)).toMatchObject({ result: true });
    const firstRefused = `c${seq}`;
    for (let i = 0; i < 30; i++) expect(await next()).toMatchObject({ outcome: "notSent" });
    const lastRefused = `c${seq}`;
    // Said once, however many are refused.
    expect(agent.lines.filter((line) => line.includes("journal"))).toHaveLength(1);
    home.makeRoom();
    await waitUntil("it works again", async () => (await next())?.result === true);
    const ids = ["before", firstRefused, lastRefused, `c${seq}`];
    expect(ids.map(home.effectsOf)).toEqual([1, 0, 0, 1]);
    await agent.stop();
    // The next run knows what was refused meanwhile, and what was not.
    startAgent(agentOptions(home, [gateway.url]));
    const again = await gateway.session(1);
    for (let i = 2; i <= seq; i++) again.durable(i, [startVm(`c${i}`)]);
    expect(await answerTo(again, 2_000, startVm("last"))).toMatchObject({ result: true });
    expect(ids.map(home.effectsOf)).toEqual([1, 0, 0, 1]);
  });

  test("agent that starts on it - says what is wrong", async () => {
    const gateway = await startGateway();
    const home = smallHome();
    home.fill();
    await expect(startAgent(agentOptions(home, [gateway.url])).ended).rejects.toMatchObject({
      code: "HOME_UNWRITABLE",
      message: expect.stringContaining("ENOSPC") as string,
    });
    home.makeRoom();
    startAgent(agentOptions(home, [gateway.url]));
    await gateway.session();
  });
});
