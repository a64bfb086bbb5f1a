import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createSimulator } from "../../../src/activities/investigators/simulator.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
});

async function world(answer: unknown, at = "127.0.0.1"): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
    response.writeHead(200, { connection: "close" }).end(JSON.stringify(answer));
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, at, done));
  return { url: `http://${at}:${(server.address() as AddressInfo).port}`, asked };
}

const ask = (facts: Readonly<Record<string, string | number>>, worlds: readonly string[] = []) =>
  createSimulator(worlds).investigate(
    { agentId: "sim/1", zone: "z", cluster: "c", resourceType: "simulator", facts },
    { signal: new AbortController().signal, timeoutMs: 5_000 },
  );

describe("Investigator simulator", () => {
  it("no power - is Down with proof; power - Up", async () => {
    const off = await world({ id: "sim/1", power: "off" });
    expect(await ask({ world: off.url })).toMatchObject({
      verdict: "Down",
      proof: `The simulator at ${off.url} says that sim/1 is switched off.`,
    });
    expect(off.asked).toEqual(["GET /hosts/sim%2F1"]);
    const on = await world({ id: "sim/1", power: "on" });
    expect((await ask({ world: on.url })).verdict).toBe("Up");
  });

  it.each([
    ["another host's power", { id: "other", power: "off" }],
    ["no id", { power: "off" }],
    ["another word", { id: "sim/1", power: "Off" }],
    ["nothing", {}],
  ])("%s - is Unknown", async (_what, answer) => {
    const { url } = await world(answer);
    const finding = await ask({ world: url });
    expect(finding.verdict).toBe("Unknown");
    expect(finding.evidence).toContain("rubbish");
  });

  it("no URL, or one that is no world of this machine - is Unknown and nobody is asked", async () => {
    const { url, asked } = await world({ id: "sim/1", power: "off" });
    const port = new URL(url).port;
    for (const bad of [
      `http://localhost:${port}`,
      `http://localhost.evil.example:${port}`,
      `http://u:p@127.0.0.1:${port}`,
      `http://127.0.0.1:${port}/admin`,
      `http://127.0.0.1:${port}/?x`,
      `http://127.0.0.1:${port}/#x`,
      `https://127.0.0.1:${port}`,
      "http://169.254.169.254",
      "http://[::ffff:10.0.0.1]",
      "file:///etc/passwd",
      "no url",
    ]) {
      const finding = await ask({ world: bad });
      expect(finding.verdict, bad).toBe("Unknown");
      expect(finding.evidence, bad).toContain("was not asked");
    }
    expect((await ask({})).evidence).toContain("announced no simulator");
    expect((await ask({ world: 5 })).evidence).toContain("announced no simulator");
    expect(asked).toEqual([]);
  });

  it("a world that the worker was told of - is asked, by its origin alone", async () => {
    const { url } = await world({ id: "sim/1", power: "off" });
    const named = url.replace("127.0.0.1", "localhost");
    expect((await ask({ world: named }, [named])).verdict).toBe("Down");
    expect((await ask({ world: named }, ["http://10.0.0.1"])).verdict).toBe("Unknown");
  });
});
