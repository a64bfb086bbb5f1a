import { describe, expect, it } from "vitest";
import { Keyring } from "../../../src/secrets/keyring.ts";
import { run } from "./run.ts";

describe("muster payload-key new", () => {
  it("prints an entry of MUSTER_PAYLOAD_KEY, another one each time", async () => {
    const first = await run(["payload-key", "new", "k1"]);
    const second = await run(["payload-key", "new", "k2", "--json"]);
    const { entry } = JSON.parse(second.stdout) as { entry: string };
    const keyring = Keyring.parse(`${entry},${first.stdout.trim()}`);
    expect(keyring.ids).toEqual(["k2", "k1"]);
    expect([first.code, first.stderr, second.code]).toEqual([0, "", 0]);
  });

  it.each(["plain", "k:1", "k,1", "", "k".repeat(33)])("id %j - is a usage error", async (id) => {
    const { code, stdout, stderr } = await run(["payload-key", "new", id]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("1 to 32 letters");
  });
});
