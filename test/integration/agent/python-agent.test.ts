/** docs/PROTOCOL.md is enough to write an agent: this one was, in Python. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import { joinedLater, makeHome, startGateway, startPython } from "./agent-under-test.ts";

const setTarget = (id: string, celsius: number) => ({ type: "SetTarget", id, celsius });

function targets(home: string): readonly string[] {
  const path = join(home, "targets.txt");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
}

describe("agent in Python", () => {
  test("handshake, pings, Commands of both lanes, goodbye", async () => {
    const gateway = await startGateway({ pingIntervalMs: 100 });
    const home = makeHome().path;
    const agent = startPython([gateway.url], home);
    const session = await gateway.session();
    expect(session.hello?.hello?.credentials.joinToken).toBe("join-token-of-this-test");
    session.direct(1, [{ type: "ReadTemperature", id: "t" }, setTarget("d", 20)]);
    expect(await session.answers("direct", 1)).toMatchObject([
      { type: "ReadTemperatureAnswer", commandId: "t", celsius: 21.5 },
      { outcome: "notSent", errorCode: "NOT_READ_ONLY" },
    ]);
    session.durable(1, [setTarget("a", 20), setTarget("b", 99), setTarget("c", 21)]);
    expect(await session.answers("durable", 1)).toMatchObject([
      { commandId: "a", result: true },
      { commandId: "b", result: false, errorCode: "BAD_TARGET" },
      { commandId: "c", outcome: "notSent", type: "StoppedByPreviousFailureAnswer" },
    ]);
    await waitUntil("two pings", () => session.requests("Ping").length >= 2);
    await agent.end("SIGTERM");
    expect(session.requests("Shutdown")).toMatchObject([{ reason: "stop" }]);
    expect(targets(home)).toEqual(["a 20"]);
  });

  test("order - a Request waits for the one that it names", async () => {
    const gateway = await startGateway();
    const home = makeHome().path;
    startPython([gateway.url], home);
    const session = await gateway.session();
    const after = { seq: 1, withinMs: 60_000 };
    session.durable(2, [setTarget("second", 22)], { inSequence: true, after });
    session.durable(1, [setTarget("first", 21)], { inSequence: true });
    await session.answers("durable", 2);
    expect(targets(home)).toEqual(["first 21", "second 22"]);
  });

  test("order - all that it names, and what it names when it comes again", async () => {
    const gateway = await startGateway();
    const home = makeHome().path;
    startPython([gateway.url], home);
    const session = await gateway.session();
    const behind = (...seqs: number[]) => {
      const [after, ...alsoAfter] = seqs.map((seq) => ({ seq, withinMs: 60_000 }));
      return { inSequence: true, ...(after !== undefined && { after, alsoAfter }) };
    };
    session.durable(3, [setTarget("third", 23)], behind(1, 2));
    session.durable(1, [setTarget("first", 21)], behind());
    await session.answers("durable", 1);
    session.durable(2, [setTarget("second", 22)], behind(1));
    await session.answers("durable", 3);
    session.durable(5, [setTarget("fifth", 25)], behind(4));
    session.durable(5, [setTarget("fifth", 25)], behind());
    await session.answers("durable", 5);
    expect(targets(home)).toEqual(["first 21", "second 22", "third 23", "fifth 25"]);
  });

  test("progress - each Answer but the last is told as it is there, to who asked", async () => {
    const gateway = await startGateway();
    startPython([gateway.url], makeHome().path);
    const session = await gateway.session();
    session.durable(1, [setTarget("a", 20), setTarget("b", 21)], { progress: true });
    session.durable(2, [setTarget("c", 20), setTarget("d", 21)]);
    const [first] = await session.answers("durable", 1);
    await session.answers("durable", 2);
    expect(session.progress("durable", 1)).toMatchObject([{ index: 0, answer: first }]);
    expect(session.progress("durable", 2)).toEqual([]);
  });

  test("kill -9 - Answers come again by themselves, nothing is run twice", async () => {
    const gateway = await startGateway();
    const home = makeHome().path;
    const agent = startPython([gateway.url], home);
    const session = await gateway.session();
    session.durable(1, [setTarget("a", 20)]);
    const answers = await session.answers("durable", 1);
    await agent.end("SIGKILL");
    startPython([gateway.url], home);
    const next = await gateway.session(1);
    expect(await next.answers("durable", 1)).toEqual(answers);
    next.durable(1, [setTarget("a", 20)]);
    next.ack(1, ["a"]);
    next.durable(2, [setTarget("b", 25)]);
    await next.answers("durable", 2);
    expect(targets(home)).toEqual(["a 20", "b 25"]);
    const secrets = gateway.sessions.map(({ hello }) => hello?.hello?.credentials.secret);
    expect(secrets[0]).toBe(secrets[1]);
  });

  test("a gateway that joined later - is tried when its own dies: pings tell of it", async () => {
    const { here, there } = await joinedLater((url, home) => startPython([url], home.path));
    await here.stop();
    expect((await there.session()).isOpen).toBe(true);
  });

  test("dead gateway - goes to the next", async () => {
    const dead = await startGateway();
    const deadUrl = dead.url;
    await dead.stop();
    const gateway = await startGateway();
    startPython([deadUrl, gateway.url], makeHome().path);
    expect((await gateway.session()).isOpen).toBe(true);
  });
});
