/** What a refused agent says and when it comes back: the real agent, with a gateway of the test's and with a real one. */
import { describe, expect, test } from "vitest";
import { findRefusal } from "../../../src/db/index.ts";
import { useDatabase } from "../../helpers/database.ts";
import { useTemporal } from "../../helpers/temporal.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { joinToken, useGateway, useWorker } from "../gateway/test-gateway.ts";
import { agentOptions, makeHome, startAgent, startGateway } from "./agent-under-test.ts";

const details = "Declare cluster c1.";
const refusal = { result: false, errorCode: "CLUSTER_UNKNOWN", details } as const;

describe("refused agent", () => {
  test("its log - says once what is wrong, not at each try, and again when it is something else", async () => {
    let tries = 0;
    const gateway = await startGateway({
      admit: () => {
        tries++;
        if (tries <= 5) return { ...refusal, retryAfterMs: 20 };
        return tries <= 8 ? { ...refusal, details: "Another reason.", retryAfterMs: 20 } : {};
      },
    });
    const agent = startAgent(agentOptions(makeHome(), [gateway.url]));
    await gateway.session(8);
    const lines = agent.lines.map((line) => JSON.parse(line) as { level: number; msg: string });
    const said = lines.filter(({ msg }) => msg.includes("is not admitted"));
    expect(said.map(({ msg }) => msg)).toEqual([
      expect.stringContaining(`agent a1 is not admitted: ${details}`),
      expect.stringContaining("Another reason."),
    ]);
    expect(said.every(({ level }) => level === 50)).toBe(true);
    expect(lines.filter(({ level }) => level >= 40)).toHaveLength(2);
  });

  test("its rest - holds for all gateways, which are tried one after the other", async () => {
    const times: number[] = [];
    const admit = () => {
      times.push(performance.now());
      return { ...refusal, retryAfterMs: 300 };
    };
    const gateways = [await startGateway({ admit }), await startGateway({ admit })];
    const urls = gateways.map(({ url }) => url);
    startAgent(agentOptions(makeHome(), urls));
    await waitUntil("four tries", () => times.length >= 4);
    const rests = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(Math.min(...rests)).toBeGreaterThanOrEqual(290);
    expect(gateways.every(({ sessions }) => sessions.length === 2)).toBe(true);
  });
});

describe("refused by a real gateway", () => {
  const database = useDatabase();
  const temporal = useTemporal();
  useWorker(temporal, database);
  const shared = useGateway(temporal, database, { MUSTER_OPEN_ADMISSION: "false" });

  test("its log - names the place and the command that declares it; operators see the same", async () => {
    const options = agentOptions(makeHome(), [shared.gateway.agentUrl]);
    const agent = startAgent({ ...options, joinToken });
    const line = await waitUntil("it is logged", () =>
      agent.lines.find((one) => one.includes("is not admitted")),
    );
    const { retryAfterMs, errorCode, msg } = JSON.parse(line) as Record<string, unknown>;
    expect(errorCode).toBe("ZONE_UNKNOWN");
    expect(msg).toContain("muster zone add z1");
    expect(retryAfterMs).toBeGreaterThanOrEqual(45_000);
    const row = await waitUntil("operators see it", () => findRefusal(database.pool, "a1"));
    expect(msg).toContain(row.reason);
  });
});
