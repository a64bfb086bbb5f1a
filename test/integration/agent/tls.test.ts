import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { makeCertificate } from "../../helpers/certificate.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { agentOptions, makeHome, startAgent, startGateway } from "./agent-under-test.ts";

/** A certificate for 127.0.0.1 that no system trusts. */
function makeTls(directory: string) {
  const { certFile, keyFile } = makeCertificate(directory);
  return {
    certFile,
    tls: { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") },
  };
}

describe("TLS", () => {
  test("wss - connects when the certificate's authority is trusted", async () => {
    const home = makeHome();
    const { certFile, tls } = makeTls(home.path);
    const gateway = await startGateway({ tls });
    startAgent({ ...agentOptions(home, [gateway.url]), tlsCaFile: certFile });
    const session = await gateway.session();
    session.direct(1, [{ type: "CheckHealth", id: "c" }]);
    expect(await session.answers("direct", 1)).toMatchObject([{ result: true }]);
  });

  test("wss - an unknown certificate gets no secret", async () => {
    const home = makeHome();
    const { tls } = makeTls(home.path);
    const gateway = await startGateway({ tls });
    const agent = startAgent(agentOptions(home, [gateway.url]));
    await waitUntil("it is refused", () =>
      agent.lines.some((line) => line.includes("could not connect")),
    );
    expect(gateway.sessions).toHaveLength(0);
    expect(agent.lines.join("")).toContain("self-signed certificate");
  });
});
