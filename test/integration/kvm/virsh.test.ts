import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { checkOnHost } from "../../../src/resources/kvm/check-on-host.ts";
import { createVirsh } from "../../../src/resources/kvm/virsh.ts";

/** Stands for virsh: writes its pid, arguments and locale to a file, then ends or hangs as its first command says. */
const script = `#!/usr/bin/env node
const [uri, quiet, command, file] = process.argv.slice(2);
require("fs").writeFileSync(file, JSON.stringify({ pid: process.pid, uri, quiet, locale: process.env.LC_ALL }));
if (command === "fail") { console.error("error: failed to get domain 'x'"); process.exit(1); }
if (command === "stubborn") process.on("SIGTERM", () => undefined);
if (command === "answer") console.log("answered"); else setInterval(() => undefined, 1000);
`;

describe("virsh child", () => {
  let folder: string;
  let no = 0;
  const never = new AbortController().signal;
  const newFile = () => join(folder, `run-${no++}.json`);
  const seen = async (file: string) =>
    JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
  const untilStarted = (file: string) =>
    vi.waitFor(() => seen(file), { timeout: 20_000, interval: 20 });
  const untilGone = (pid: unknown) =>
    vi.waitFor(
      () => {
        expect(() => process.kill(pid as number, 0)).toThrow();
      },
      { timeout: 20_000 },
    );
  const virsh = () =>
    createVirsh({ program: join(folder, "virsh"), uri: "test:///default", childrenMax: 1 });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "muster-virsh-"));
    await writeFile(join(folder, "virsh"), script);
    await chmod(join(folder, "virsh"), 0o755);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("arguments - reach virsh as they are, with its URI, quiet and in locale C", async () => {
    const file = newFile();
    const output = await virsh().run(["answer", file], { signal: never, timeoutMs: 30_000 });
    expect(output).toBe("answered");
    expect(await seen(file)).toMatchObject({
      uri: "--connect=test:///default",
      quiet: "--quiet",
      locale: "C",
    });
  });

  it("a failure - is told by its stderr", async () => {
    await expect(
      virsh().run(["fail", newFile()], { signal: never, timeoutMs: 30_000 }),
    ).rejects.toMatchObject({ code: "VM_NOT_FOUND" });
  });

  it("a cancel - ends the child", async () => {
    const file = newFile();
    const cancel = new AbortController();
    const running = virsh().run(["hang", file], { signal: cancel.signal, timeoutMs: 60_000 });
    const { pid } = await untilStarted(file);
    cancel.abort();
    await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
    await untilGone(pid);
  });

  it("the time limit - ends the child, by force where it does not obey", async () => {
    const file = newFile();
    const running = virsh().run(["stubborn", file], { signal: never, timeoutMs: 6_000 });
    const outcome = expect(running).rejects.toMatchObject({ code: "TIMED_OUT" });
    const { pid } = await untilStarted(file);
    await outcome;
    await untilGone(pid);
  });

  it("no free place - is told apart from a hang, and starts no child", async () => {
    const one = virsh();
    const cancel = new AbortController();
    const file = newFile();
    const first = one.run(["hang", file], { signal: cancel.signal, timeoutMs: 60_000 });
    await untilStarted(file);
    let started = false;
    await expect(
      one.run(["answer", newFile()], {
        signal: never,
        timeoutMs: 200,
        onStart: () => (started = true),
      }),
    ).rejects.toMatchObject({ code: "LIBVIRT_BUSY" });
    expect(started).toBe(false);
    cancel.abort();
    await expect(first).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

describe("CheckOnHost", () => {
  it("an accepted connection - is seen; no reply at all is not, and claims no death", async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const signal = new AbortController().signal;
    const look = (address: string) =>
      checkOnHost({ agentId: "a", address, probePorts: [port] }, signal);
    try {
      expect(await look("127.0.0.1")).toMatchObject({ result: true, seen: true });
    } finally {
      await new Promise((done) => server.close(done));
    }
    const unseen = await look("no-such-host.invalid");
    expect(unseen).toMatchObject({ result: true, seen: false });
    expect(unseen).not.toHaveProperty("proofOfDeath");
  });

  it("a cancel - ends the look", async () => {
    await expect(
      checkOnHost({ agentId: "a", address: "127.0.0.1" }, AbortSignal.abort()),
    ).rejects.toMatchObject({ code: "CANCELLED" });
  });
});
