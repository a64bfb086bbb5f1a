/**
 * `npm test`: sets up what is missing and runs every test; arguments go to vitest. The last line says how it went. Suites
 * that need something of the machine that it lacks are skipped, and said so.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail, prepare, root, say } from "./prepare.mjs";

prepare();
for (const [command, args, debianPackage, what] of [
  ["virsh", ["--version"], "libvirt-clients", "the KVM resource"],
  ["libvirtd", ["--version"], "libvirt-daemon libvirt-daemon-driver-qemu", "real guests"],
  ["qemu-system-x86_64", ["--version"], "qemu-system-x86", "real guests"],
  ["ping", ["-V"], "iputils-ping", "the ping Investigator"],
  ["python3", ["-m", "pip", "--version"], "python3-pip", "the redfish Investigator"],
]) {
  if (spawnSync(command, args, { stdio: "ignore" }).error === undefined) continue;
  say(
    `${command} is missing: tests of ${what} are skipped (Debian: apt-get install ${debianPackage})`,
  );
}

const folder = mkdtempSync(join(tmpdir(), "muster-report-"));
const report = join(folder, "report.json");
const { status } = spawnSync(
  process.execPath,
  [
    join(root, "node_modules", "vitest", "vitest.mjs"),
    ...["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    ...process.argv.slice(2),
  ],
  // All on one stream, so that the last line is the last.
  { cwd: root, stdio: ["ignore", 1, 1] },
);
let result;
try {
  result = JSON.parse(readFileSync(report, "utf8"));
} catch {
  fail("vitest gave no report, see above.");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const passed = result.numPassedTests;
const skipped = result.numPendingTests + result.numTodoTests;
// A file that can't even be loaded has no tests to count, and must not pass for that.
const brokenFiles = result.testResults.filter(
  (file) =>
    file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
);
const failures = result.numFailedTests + brokenFiles.length;
const ok = status === 0 && failures === 0 && passed > 0;
if (!ok && failures === 0) {
  say(passed === 0 ? "No test was run." : "vitest ended with errors outside of tests, see above.");
}
const counted = !ok && failures === 0 ? 1 : failures;
process.stdout.write(
  `${passed} passed, ${counted} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`,
);
process.exitCode = ok ? 0 : 1;
