import { execa } from "execa";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import {
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { vi } from "vitest";
import { freePort } from "../../../src/local/ports.ts";
import { makeSignedCertificate } from "../../helpers/certificate.ts";

/** A libvirt daemon of a test's own, apart from the machine's. */
export interface PrivateLibvirtd {
  /** Real QEMU guests, emulated: no KVM needed. */
  readonly qemuUri: string;
  /** libvirt's built-in test driver: a pretended host with one running VM called `test`. */
  readonly testUri: string;
  /** The test driver over the network of this machine; empty unless it was asked to listen. */
  readonly tcpUri: string;
  /** As `tcpUri`, with TLS and a certificate of the client's own. */
  readonly tlsUri: string;
  /** Folder that the daemon and its guests can read, for disk images. */
  readonly folder: string;
  /** Makes a file in `folder` that guests can read and write; gives its path. */
  addFile(name: string, content: Uint8Array): Promise<string>;
  /** Pid of the daemon. */
  readonly pid: number;
  /** Switches off every guest, ends the daemon and removes its files. */
  stop(): Promise<void>;
}

/** Debian packages that the programs come in, for the message of a skipped test. */
const packages: Readonly<Record<string, string>> = {
  virsh: "libvirt-clients",
  libvirtd: "libvirt-daemon",
  "qemu-system-x86_64": "qemu-system-x86 and libvirt-daemon-driver-qemu",
  ping: "iputils-ping",
};

/** Daemons live in sbin, which is not on every user's PATH. */
const searchPath = [process.env["PATH"] ?? "", "/usr/sbin", "/sbin"].join(delimiter);

/** What is not installed of the given programs, as a sentence that names the packages; empty when all are there. */
export function missingPrograms(...programs: readonly string[]): string {
  return programs
    .filter((program) => !isOnPath(program))
    .map((program) => `${program} is not installed (Debian: ${packages[program] ?? program})`)
    .join("; ");
}

function isOnPath(program: string): boolean {
  return searchPath.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Starts libvirtd in session mode: all its files follow XDG_* into a temporary folder. Run by root it would use
 * the system's own files instead, so root starts it as `nobody`; that also spares it cgroups, security drivers and
 * a change of user, none of which a container may allow.
 */
export async function startPrivateLibvirtd(
  options: { readonly listens?: boolean } = {},
): Promise<PrivateLibvirtd> {
  // Short, because a guest's monitor socket lies deep below and its path may have 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), "mlv-"));
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
  const remote = await writeSettings(folder, options.listens === true);
  if (user !== undefined) await own(folder, user);
  const socket = join(folder, "r", "libvirt", "libvirt-sock");
  const qemuUri = `qemu+unix:///session?socket=${socket}`;
  const testUri = `test+unix:///default?socket=${socket}`;
  const listen = options.listens === true ? ["--listen"] : [];
  const config = join(folder, "c", "libvirt", "libvirtd.conf");
  const daemon = execa("libvirtd", [...listen, "--config", config], {
    env: environment(folder),
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    all: true,
    ...user,
  });
  let letGo: (() => Promise<void>) | undefined;
  const stop = async (): Promise<void> => {
    await switchOffGuests(folder, qemuUri);
    await letGo?.();
    daemon.kill();
    await daemon;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilItAnswers(testUri, daemon);
    letGo = await holdOpen(testUri);
  } catch (error) {
    await stop();
    throw error;
  }
  const addFile = async (name: string, content: Uint8Array): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, content, { mode: 0o600 });
    if (user !== undefined) await chown(path, user.uid, user.gid);
    return path;
  };
  return { qemuUri, testUri, ...remote, folder, addFile, pid: daemon.pid ?? 0, stop };
}

function environment(folder: string): Record<string, string> {
  return {
    PATH: searchPath,
    LC_ALL: "C",
    HOME: folder,
    XDG_RUNTIME_DIR: join(folder, "r"),
    XDG_CONFIG_HOME: join(folder, "c"),
    XDG_CACHE_HOME: join(folder, "k"),
  };
}

/** Gives the URIs under which it listens. */
async function writeSettings(
  folder: string,
  listens: boolean,
): Promise<Pick<PrivateLibvirtd, "tcpUri" | "tlsUri">> {
  const libvirt = join(folder, "c", "libvirt");
  await mkdir(join(folder, "r"), { mode: 0o700 });
  await mkdir(join(folder, "k"));
  await mkdir(libvirt, { recursive: true });
  // A host id of its own: two such daemons count as two hosts, so a guest can be migrated between them.
  const listening = listens ? await listeningSettings(folder) : undefined;
  const lines = [`host_uuid = "${randomUUID()}"`, ...(listening?.lines ?? [])];
  await writeFile(join(libvirt, "libvirtd.conf"), `${lines.join("\n")}\n`);
  // No SELinux or AppArmor; no virtlogd, which would outlive the test.
  await writeFile(join(libvirt, "qemu.conf"), 'security_driver = "none"\nstdio_handler = "file"\n');
  return { tcpUri: listening?.tcpUri ?? "", tlsUri: listening?.tlsUri ?? "" };
}

async function listeningSettings(folder: string) {
  const [tcpPort, tlsPort] = [await freePort(), await freePort()];
  // Where virsh looks for them: names of libvirt's.
  const pki = join(folder, "pki");
  await mkdir(pki);
  const { caFile, certFile, keyFile } = makeSignedCertificate(folder);
  await copyFile(caFile, join(pki, "cacert.pem"));
  await copyFile(certFile, join(pki, "clientcert.pem"));
  await copyFile(keyFile, join(pki, "clientkey.pem"));
  return {
    tcpUri: `test+tcp://127.0.0.1:${tcpPort}/default`,
    tlsUri: `test+tls://127.0.0.1:${tlsPort}/default?pkipath=${pki}`,
    lines: [
      ...['listen_addr = "127.0.0.1"', "listen_tcp = 1", `tcp_port = "${tcpPort}"`],
      ...['auth_tcp = "none"', "listen_tls = 1", `tls_port = "${tlsPort}"`],
      ...[`ca_file = "${caFile}"`, `cert_file = "${certFile}"`, `key_file = "${keyFile}"`],
    ],
  };
}

async function own(folder: string, user: { uid: number; gid: number }): Promise<void> {
  await chown(folder, user.uid, user.gid);
  for (const entry of await readdir(folder, { recursive: true })) {
    await chown(join(folder, entry), user.uid, user.gid);
  }
}

async function untilItAnswers(
  uri: string,
  daemon: PromiseLike<{ readonly all: string }>,
): Promise<void> {
  const ended = daemon.then((result) => {
    throw new Error(`libvirtd ended at its start: ${result.all}`);
  });
  const answers = vi.waitFor(() => execa("virsh", ["-c", uri, "hostname"]), {
    timeout: 30_000,
    interval: 100,
  });
  await Promise.race([answers, ended]);
}

/** The test driver's host lives as long as one connection to it: this holds one open until it is called. */
async function holdOpen(uri: string): Promise<() => Promise<void>> {
  const virsh = execa("virsh", ["-q", "-c", uri], { stdin: "pipe", reject: false });
  const answered = once(virsh.stdout, "data");
  virsh.stdin.write("hostname\n");
  await answered;
  return async () => {
    virsh.kill();
    await virsh;
  };
}

/** Guests outlive the daemon, so they go first; by their pids where libvirt doesn't manage it. */
async function switchOffGuests(folder: string, uri: string): Promise<void> {
  const { stdout } = await execa("virsh", ["-q", "-c", uri, "list", "--uuid"], { reject: false });
  for (const uuid of stdout.split("\n").filter((line) => line.trim() !== "")) {
    await execa("virsh", ["-q", "-c", uri, "destroy", uuid.trim()], { reject: false });
  }
  const run = join(folder, "r", "libvirt", "qemu", "run");
  const files = await readdir(run).catch(() => [] as string[]);
  for (const file of files.filter((name) => name.endsWith(".pid") && name !== "driver.pid")) {
    const pid = Number(await readFile(join(run, file), "utf8").catch(() => ""));
    if (pid > 1) process.kill(pid, "SIGKILL");
  }
}
