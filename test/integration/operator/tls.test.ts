import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:https";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { ListVmsCommand } from "../../../src/api/index.ts";
import { AgentManager } from "../../../src/client/index.ts";
import { makeCertificate } from "../../helpers/certificate.ts";
import { apiToken, useOperatorRig } from "./operator-rig.ts";

const rig = useOperatorRig();
const folder = mkdtempSync(join(tmpdir(), "muster-api-tls-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

it("with a certificate - HTTP and the socket are encrypted, for callers who trust its authority", async () => {
  const { certFile, keyFile } = makeCertificate(folder);
  const gateway = await rig.startGateway({ MUSTER_TLS_CERT: certFile, MUSTER_TLS_KEY: keyFile });
  expect(gateway.apiUrl).toMatch(/^https:/);
  const ca = readFileSync(certFile);
  const request = get(`${gateway.apiUrl}/healthz`, { ca, agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(200);

  const trusting = new AgentManager({ url: gateway.apiUrl, token: apiToken, ca });
  await expect(trusting.ask("nobody", new ListVmsCommand())).rejects.toMatchObject({
    code: "AGENT_UNKNOWN",
  });
  await trusting.close();
  const wary = new AgentManager({ url: gateway.apiUrl, token: apiToken });
  const asked = wary.ask("nobody", new ListVmsCommand(), { waitSeconds: 0.5 });
  await expect(asked).rejects.toMatchObject({
    code: "NOT_CONNECTED",
    message: expect.stringContaining("self-signed") as string,
  });
  await wary.close();
});
