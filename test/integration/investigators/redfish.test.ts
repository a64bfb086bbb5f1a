/** Investigator redfish against a real Redfish emulator and against BMCs that misbehave. */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Finding } from "../../../src/api/index.ts";
import { BmcFile } from "../../../src/activities/investigators/bmc-file.ts";
import { createRedfish } from "../../../src/activities/investigators/redfish.ts";
import { makeCertificate } from "../../helpers/certificate.ts";
import { findSushy, startSushy, sushyUser, type Sushy } from "../../helpers/sushy.ts";

let home = "";
let file = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "muster-bmc-"));
  file = join(home, "bmcs.json");
});
afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

async function writeBmcs(bmcs: Readonly<Record<string, unknown>>): Promise<void> {
  await writeFile(file, JSON.stringify({ bmcs }));
  await chmod(file, 0o600);
}

function ask(bmcs = new BmcFile(file), agentId = "h1", timeoutMs = 10_000): Promise<Finding> {
  const host = { agentId, zone: "z", cluster: "c", resourceType: "kvm" };
  // As the worker does it.
  const signal = AbortSignal.timeout(timeoutMs);
  return createRedfish(bmcs).investigate(host, { signal, timeoutMs });
}

const sushy = await findSushy();
const noSushy = "missing" in sushy ? ` - skipped: ${sushy.missing}` : "";
const folder = "folder" in sushy ? sushy.folder : "";

describe.skipIf(noSushy !== "")(`Investigator redfish with sushy-emulator${noSushy}`, () => {
  const emulators: Sushy[] = [];
  const start = async (
    ...args: [Parameters<typeof startSushy>[2], Parameters<typeof startSushy>[3]?]
  ) => {
    const emulator = await startSushy(folder, home, ...args);
    emulators.push(emulator);
    return emulator;
  };
  afterAll(async () => {
    for (const emulator of emulators) await emulator.stop();
  });

  it("power off, switched by its API - is Down with the state as proof; on again - Unknown", async () => {
    const emulator = await start([{ id: "only", power: "On" }]);
    await writeBmcs({ h1: { url: emulator.url, ...sushyUser } });
    const on = await ask();
    expect(on.verdict).toBe("Unknown");
    expect(on.evidence).toContain("reports PowerState On for /redfish/v1/Systems/only");

    await emulator.power("only", "Off");
    expect(await ask()).toMatchObject({
      verdict: "Down",
      proof: `The BMC ${emulator.url} reports PowerState Off for /redfish/v1/Systems/only.`,
    });

    await emulator.power("only", "On");
    expect((await ask()).verdict).toBe("Unknown");
  });

  it("several systems - is Unknown unless one is named", async () => {
    const emulator = await start([
      { id: "left", power: "On" },
      { id: "right", power: "Off" },
    ]);
    const login = { url: emulator.url, ...sushyUser };
    await writeBmcs({
      h1: login,
      right: { ...login, system: "right" },
      left: { ...login, system: "/redfish/v1/Systems/left" },
      absent: { ...login, system: "absent" },
    });
    const bmcs = new BmcFile(file);
    const unnamed = await ask(bmcs);
    expect(unnamed.verdict).toBe("Unknown");
    expect(unnamed.evidence).toContain("stands for 2 systems");
    expect((await ask(bmcs, "right")).verdict).toBe("Down");
    expect((await ask(bmcs, "left")).verdict).toBe("Unknown");
    const absent = await ask(bmcs, "absent");
    expect(absent.verdict).toBe("Unknown");
    expect(absent.evidence).toContain("HTTP 404");
  });

  it("a wrong password - is Unknown, and no password is told", async () => {
    const emulator = await start([{ id: "only", power: "Off" }]);
    await writeBmcs({ h1: { url: emulator.url, username: "muster", password: "wrong-secret" } });
    const finding = await ask();
    expect(finding).toEqual({
      verdict: "Unknown",
      evidence: `The BMC ${emulator.url} answered with HTTP 401.`,
    });
  });

  it("TLS - needs a certificate that is trusted, or the word that none is", async () => {
    const tls = makeCertificate(home);
    const emulator = await start([{ id: "only", power: "Off" }], tls);
    const login = { url: emulator.url, ...sushyUser };
    await writeBmcs({
      h1: login,
      trusted: { ...login, caFile: "cert.pem" },
      careless: { ...login, insecure: true },
    });
    const bmcs = new BmcFile(file);
    const strange = await ask(bmcs);
    expect(strange.verdict).toBe("Unknown");
    expect(strange.evidence).toContain("SELF_SIGNED");
    expect((await ask(bmcs, "trusted")).verdict).toBe("Down");
    expect((await ask(bmcs, "careless")).verdict).toBe("Down");
  });
});

describe("Investigator redfish with BMCs that misbehave", () => {
  const open: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0)) await close();
  });
  const bmc = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    open.push(
      () =>
        new Promise((done) => {
          server.close(() => {
            done();
          });
          server.closeAllConnections();
        }),
    );
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await writeBmcs({ h1: { url, ...sushyUser, system: "1" } });
    return url;
  };
  const json =
    (body: unknown, status = 200): RequestListener =>
    (_request, response) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
  const type = "#ComputerSystem.v1_13_0.ComputerSystem";

  it.each([
    ["on its way on", { "@odata.type": type, PowerState: "PoweringOn" }, 200, "PoweringOn"],
    ["on its way off", { "@odata.type": type, PowerState: "PoweringOff" }, 200, "PoweringOff"],
    ["paused", { "@odata.type": type, PowerState: "Paused" }, 200, "Paused"],
    ["no state", { "@odata.type": type }, 200, "no PowerState"],
    ["a state in other letters", { "@odata.type": type, PowerState: "off" }, 200, "off"],
    [
      "something else that is off",
      { "@odata.type": "#Chassis.v1", PowerState: "Off" },
      200,
      "no ComputerSystem",
    ],
    ["an error that says off", { "@odata.type": type, PowerState: "Off" }, 503, "HTTP 503"],
    ["a list", [{ "@odata.type": type, PowerState: "Off" }], 200, "no object"],
  ])("%s - is Unknown", async (_what, body, status, said) => {
    await bmc(json(body, status));
    const finding = await ask();
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain(said);
  });

  it("a redirect, or a link to elsewhere - is not followed: the password stays", async () => {
    const asked: string[] = [];
    const elsewhere = await bmc((request, response) => {
      asked.push(request.url ?? "");
      json({ "@odata.type": type, PowerState: "Off" })(request, response);
    });
    await bmc((_request, response) => {
      response.writeHead(302, { location: `${elsewhere}/redfish/v1/Systems/1` }).end();
    });
    expect((await ask()).evidence).toContain("HTTP 302");
    const url = await bmc(json({ Members: [{ "@odata.id": `//${elsewhere.slice(7)}/x` }] }));
    await writeBmcs({ h1: { url, ...sushyUser } });
    expect((await ask()).evidence).toContain("elsewhere");
    expect(asked).toEqual([]);
  });

  it("no answer - is Unknown when the time is over", async () => {
    await bmc(() => undefined);
    const finding = await ask(new BmcFile(file), "h1", 300);
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain("did not answer in time");
  });
});

describe("MUSTER_BMC_FILE", () => {
  it("a file that everybody may read - is not used, and says what to do", async () => {
    await writeBmcs({});
    await chmod(file, 0o644);
    const finding = await ask();
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain(`chmod 600 ${file}`);
  });

  it("a changed file - is read anew", async () => {
    await writeBmcs({});
    const bmcs = new BmcFile(file);
    expect((await ask(bmcs)).evidence).toContain("names none of h1");
    await writeBmcs({ h1: { url: "http://127.0.0.1:9", ...sushyUser } });
    expect((await ask(bmcs)).evidence).toContain("ECONNREFUSED");
    await rm(file);
    expect((await ask(bmcs)).evidence).toContain("can't be read");
  });

  it.each([
    ["no JSON", '{"bmcs":{"h1":{"password":"top-secret"', "is no JSON"],
    ["another form", "[]", "must be"],
    ["no url", { username: "u", password: "top-secret" }, "needs url"],
    [
      "a url with a password",
      { url: "http://u:top-secret@h", username: "u", password: "p" },
      "needs url",
    ],
    [
      "a url of another kind",
      { url: "ftp://h", username: "u", password: "top-secret" },
      "needs url",
    ],
    ["no password", { url: "http://h", username: "u" }, "needs password"],
    [
      "a misspelt field",
      { url: "http://h", username: "u", password: "top-secret", pasword: 1 },
      "unknown field",
    ],
    [
      "no certificates",
      { url: "http://h", username: "u", password: "top-secret", caFile: "none.pem" },
      "caFile",
    ],
  ])("%s - is Unknown and names what is wrong, not the password", async (_what, content, said) => {
    await writeBmcs({ h1: content });
    if (typeof content === "string") await writeFile(file, content);
    const finding = await ask();
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain(said);
    expect(finding.evidence).not.toContain("top-secret");
  });
});
