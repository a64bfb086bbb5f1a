import { expect, it } from "vitest";
import { Arrivals } from "../../../src/gateway/arrivals.ts";

/** A gateway whose only session is the agent's. */
function gateway(due: () => Promise<boolean>) {
  let open: (isOpen: boolean) => void = () => undefined;
  const opened = new Promise<boolean>((resolve) => {
    open = resolve;
  });
  const opening = {
    takesCommands: false,
    socket: { state: "DECIDING" as "DECIDING" | "OPEN" | "CLOSED" },
    whenOpen: () => opened,
  };
  const here: { session: typeof opening | undefined } = { session: undefined };
  const looks = { count: 0 };
  const arrivals = new Arrivals({
    find: () => here.session,
    isDue: () => {
      looks.count++;
      return due();
    },
  });
  return {
    arrivals,
    looks,
    begin: () => (here.session = opening),
    end: (isOpen: boolean) => {
      opening.socket.state = isOpen ? "OPEN" : "CLOSED";
      opening.takesCommands = isOpen;
      open(isOpen);
    },
  };
}

it("arrivals - a session that is being opened is waited for, and the routing table is not asked", async () => {
  const { arrivals, looks, begin, end } = gateway(() => Promise.resolve(true));
  begin();
  const arrived = arrivals.until("host-1", 60_000);
  end(true);
  expect(await arrived).toBe(true);
  expect(looks.count).toBe(0);
});

it("arrivals - a session that only the routing table knows is waited for through its handshake", async () => {
  const { arrivals, looks, begin, end } = gateway(() => {
    setTimeout(begin, 5);
    setTimeout(end, 60, true);
    return Promise.resolve(true);
  });
  expect(await arrivals.until("host-1", 60_000)).toBe(true);
  expect(looks.count).toBe(1);
});

it.each([
  ["the routing table does not name this gateway", () => Promise.resolve(false)],
  ["the routing table can't be read", () => Promise.reject(new Error("away"))],
])("arrivals - nobody is waited for when %s", async (_why, due) => {
  const { arrivals } = gateway(due);
  const startedMs = performance.now();
  expect(await arrivals.until("host-1", 60_000)).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(900);
});

it("arrivals - a handshake that fails ends the waiting, and so does the caller's wait", async () => {
  const { arrivals, begin, end } = gateway(() => Promise.resolve(false));
  begin();
  expect(await arrivals.until("host-1", 30)).toBe(false);
  const arrived = arrivals.until("host-1", 60_000);
  end(false);
  expect(await arrived).toBe(false);
});
