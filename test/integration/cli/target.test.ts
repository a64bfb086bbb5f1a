/** Where the verbs find the operator API: TLS with an authority of one's own, and the stack that runs on MUSTER_HOME. */
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { writeStackFile } from "../../../src/local/stack-file.ts";
import { processIdentity } from "../../../src/local/process-identity.ts";
import { makeCertificate } from "../../helpers/certificate.ts";
import { run } from "../../unit/cli/run.ts";
import { json, useFakeApi } from "./fake-api.ts";

const api = useFakeApi();
const token = "a-token-of-a-test-0123456789";
let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "muster-cli-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

/** An operator API without gateways behind a certificate for 127.0.0.1 that no system trusts. */
async function startTlsApi() {
  const { certFile, keyFile } = makeCertificate(home);
  let asked = 0;
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  const server = createServer(tls, (_request, response) => {
    asked++;
    json(response, { gateways: [] });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  const { port } = server.address() as AddressInfo;
  return { url: `https://127.0.0.1:${port}`, certFile, asked: () => asked };
}

describe("https", () => {
  it("is trusted when MUSTER_TLS_CA names its authority", async () => {
    const { url, certFile } = await startTlsApi();
    const env = { MUSTER_HOME: home, MUSTER_API_URL: url, MUSTER_API_TOKEN: token };
    const { code, stdout } = await run(["gateways"], { ...env, MUSTER_TLS_CA: certFile });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "no gateways\n" });
  });

  it("is refused otherwise, before the token is shown", async () => {
    const { url, asked } = await startTlsApi();
    const env = { MUSTER_HOME: home, MUSTER_API_URL: url, MUSTER_API_TOKEN: token };
    const { code, stderr } = await run(["gateways"], env);
    expect(code).toBe(1);
    expect(stderr).toContain("Set MUSTER_TLS_CA");
    expect(asked()).toBe(0);
  });

  it("needs a file that can be read", async () => {
    const env = { MUSTER_HOME: home, MUSTER_API_TOKEN: token, MUSTER_TLS_CA: join(home, "none") };
    const { code, stderr } = await run(["gateways"], env);
    expect(code).toBe(2);
    expect(stderr).toContain("MUSTER_TLS_CA: can't be read");
  });
});

describe("the stack on MUSTER_HOME", () => {
  it("is found with its token, as long as it runs", async () => {
    api.answer = (_request, response) => {
      json(response, { gateways: [] });
    };
    mkdirSync(join(home, "secrets"));
    writeFileSync(join(home, "secrets", "api-token"), "token-of-the-stack-0123456789\n");
    const stack = {
      ...{ apiUrl: api.url, agentUrl: "", temporalAddress: "", temporalNamespace: "", pids: {} },
      ...{ pid: process.pid, identity: processIdentity(process.pid) ?? "" },
    };
    writeStackFile(home, stack);
    expect((await run(["gateways"], { MUSTER_HOME: home })).code).toBe(0);
    expect(api.seen[0]?.headers.authorization).toBe("Bearer token-of-the-stack-0123456789");

    writeStackFile(home, { ...stack, identity: "of a process that has gone" });
    // Nobody else's answer is taken for the stack's: whatever is on the usual port does not know this token.
    const { code } = await run(["gateways"], { MUSTER_HOME: home });
    expect(code).toBe(1);
    expect(api.seen).toHaveLength(1);
  });
});
