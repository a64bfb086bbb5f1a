/**
 * A real Redfish emulator, sushy-emulator of the Python package sushy-tools, with systems that it pretends to have. Fetched with
 * pip once and kept in the cache that the Temporal wheel is kept in.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { packageRoot } from "../../src/local/package-root.ts";
import { freePort } from "../../src/local/ports.ts";
import { runCommand } from "../../src/local/run-command.ts";
import { waitUntil } from "./wait-until.ts";

/** Pinned: what every run of the tests was tried with. */
const version = "2.2.0";
const python = "python3";
export const sushyUser = { username: "muster", password: "bmc-password" };
/** The password above, as htpasswd -B writes it. */
const passwordHash = "$2b$04$xedCpDdURQbu.FQtwAX8iuTPZjwuzc7X3x5eBY7QOx4DxcGnZIy/2";

/** A system as the emulator's fake driver knows it. */
interface FakeSystem {
  readonly id: string;
  readonly power: "On" | "Off";
}

export interface Sushy {
  readonly url: string;
  /** Presses the button of a system and waits until its state has changed, which takes seconds as on real machines. */
  power(id: string, state: "On" | "Off"): Promise<void>;
  stop(): Promise<void>;
}

/** Folder of the package, fetched when it is not there yet. What stands in its way is a sentence for a skipped suite. */
export async function findSushy(): Promise<
  { readonly folder: string } | { readonly missing: string }
> {
  const asked = await runCommand(
    python,
    ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
    {
      timeoutMs: 60_000,
    },
  );
  if (asked.failure !== undefined)
    return { missing: "there is no Python 3 to run sushy-tools with" };
  const cache = join(packageRoot, ".cache");
  const folder = join(cache, `sushy-tools-${version}-py${asked.stdout.trim()}`);
  if (await works(folder)) return { folder };
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(join(cache, "fetching-"));
  try {
    const pip = await runCommand(
      python,
      [
        ...["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"],
        ...["--target", fresh, `sushy-tools==${version}`],
      ],
      { timeoutMs: 300_000 },
    );
    if (pip.failure !== undefined || !(await works(fresh))) {
      const why = pip.stderr.trim().split("\n").at(-1) ?? "";
      return { missing: `pip could not fetch sushy-tools ${version}: ${why}` };
    }
    // Another process may have been faster: its copy is as good.
    await rename(fresh, folder).catch(() => undefined);
    return (await works(folder)) ? { folder } : { missing: `${folder} is broken: delete it` };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function works(folder: string): Promise<boolean> {
  const { failure } = await runCommand(
    python,
    ["-c", `import sys; sys.path.insert(0, sys.argv[1]); import sushy_tools.emulator.main`, folder],
    { timeoutMs: 60_000 },
  );
  return failure === undefined;
}

/** Starts an emulator on 127.0.0.1 whose files are in `home`; it asks for `sushyUser`. */
export async function startSushy(
  folder: string,
  home: string,
  systems: readonly FakeSystem[],
  tls?: { readonly certFile: string; readonly keyFile: string },
): Promise<Sushy> {
  const port = await freePort();
  // It keeps what it pretends in files: one emulator's systems must not show up in another.
  const state = await mkdtemp(join(home, "sushy-"));
  const authFile = join(state, "htpasswd");
  const config = join(state, "emulator.conf");
  await writeFile(authFile, `${sushyUser.username}:${passwordHash}\n`);
  const fakes = systems.map(({ id, power }) => ({
    uuid: id,
    name: `name-${id}`,
    power_state: power,
    nics: [],
  }));
  await writeFile(
    config,
    // JSON of texts and lists is Python, too.
    `SUSHY_EMULATOR_FAKE_SYSTEMS = ${JSON.stringify(fakes)}\nSUSHY_EMULATOR_AUTH_FILE = ${JSON.stringify(authFile)}\nSUSHY_EMULATOR_STATE_DIR = ${JSON.stringify(state)}\n`,
  );
  const child = spawn(
    python,
    [
      ...["-m", "sushy_tools.emulator.main", "--fake", "--config", config],
      ...["--interface", "127.0.0.1", "--port", String(port)],
      ...(tls === undefined ? [] : ["--ssl-certificate", tls.certFile, "--ssl-key", tls.keyFile]),
    ],
    { env: { ...process.env, PYTHONPATH: folder }, stdio: "ignore" },
  );
  const ended = once(child, "exit");
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  try {
    await waitUntil("the Redfish emulator listens", () => listens(port, child.exitCode));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, power: (id, state) => press(url, id, state), stop };
}

async function listens(port: number, exitCode: number | null): Promise<boolean> {
  if (exitCode !== null) throw new Error(`The emulator ended with ${exitCode}.`);
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}

async function press(url: string, id: string, state: "On" | "Off"): Promise<void> {
  const { username, password } = sushyUser;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const system = `${url}/redfish/v1/Systems/${id}`;
  const response = await fetch(`${system}/Actions/ComputerSystem.Reset`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ ResetType: state === "On" ? "On" : "ForceOff" }),
  });
  if (!response.ok) throw new Error(`The emulator answered ${response.status}.`);
  await waitUntil(`${id} is ${state}`, async () => {
    const answer = await fetch(system, { headers: { authorization } });
    return ((await answer.json()) as { PowerState?: string }).PowerState === state;
  });
}
