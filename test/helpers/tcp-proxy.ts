/** A TCP proxy that misbehaves on request: cuts, half-opens, goes silent in one direction, holds, delays, refuses. */
import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export type Direction = "toServer" | "toClient";

export interface TcpProxy {
  /** On 127.0.0.1, unless told otherwise. */
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: () => number;
  /** Resets every open connection; new ones are accepted. */
  readonly cut: () => void;
  /** Swallows what comes in the given directions, and holds the sockets open: a half-open link. `resume` ends it. */
  readonly silence: (...directions: Direction[]) => void;
  /** Bytes go through again, for new connections: what was swallowed is lost, so the old ones are cut. */
  readonly resume: () => void;
  /** Lets nothing through in the given directions, and loses nothing: `release` lets it go on. */
  readonly hold: (...directions: Direction[]) => void;
  readonly release: () => void;
  /** Holds every chunk back for so long, in order; 0 ends it. */
  readonly delay: (ms: number) => void;
  /** Whether new connections are reset at once. */
  readonly refuse: (refused: boolean) => void;
  readonly close: () => Promise<void>;
}

/** Listens on a free port of 127.0.0.1, or at `at`, and forwards to `targetPort` (on 127.0.0.1 unless a host is given). */
export async function startTcpProxy(
  targetPort: number,
  host = "127.0.0.1",
  at: { readonly host: string; readonly port: number } = { host: "127.0.0.1", port: 0 },
): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const silent = new Set<Direction>();
  const held = new Set<Direction>();
  let delayMs = 0;
  let refused = false;

  const server = createServer((client) => {
    if (refused) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(targetPort, host);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    pump(client, upstream, "toServer");
    pump(upstream, client, "toClient");
    holdOrRelease();
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        pairs.delete(pair);
        // Behind a silent link the other side learns nothing of it.
        if (silent.size > 0) return;
        client.destroy();
        upstream.destroy();
      });
    }
  });

  function pump(from: Socket, to: Socket, direction: Direction): void {
    let inOrder: Promise<void> = Promise.resolve();
    let waiting = 0;
    const forward = (action: () => void) => {
      if (silent.has(direction)) return;
      if (delayMs === 0 && waiting === 0) {
        action();
        return;
      }
      // What comes after the delay has ended must not overtake what still waits.
      const due = sleep(delayMs);
      waiting++;
      inOrder = inOrder.then(async () => {
        await due;
        waiting--;
        action();
      });
    };
    from.on("data", (chunk: Buffer) => {
      forward(() => {
        if (!to.writable) return;
        if (!to.write(chunk)) {
          from.pause();
          to.once("drain", () => {
            if (!held.has(direction)) from.resume();
          });
        }
      });
    });
    from.on("end", () => {
      forward(() => to.end());
    });
  }

  /** A socket that is not read from keeps what comes: in the system's buffers, then at the sender. */
  function holdOrRelease(): void {
    for (const [client, upstream] of pairs) {
      for (const [from, direction] of [
        [client, "toServer"],
        [upstream, "toClient"],
      ] as const) {
        if (held.has(direction)) from.pause();
        else from.resume();
      }
    }
  }

  const cut = () => {
    for (const [client, upstream] of pairs) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
    pairs.clear();
  };
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(at.port, at.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => pairs.size,
    cut,
    silence: (...directions) => {
      for (const one of orBoth(directions)) silent.add(one);
    },
    hold: (...directions) => {
      for (const one of orBoth(directions)) held.add(one);
      holdOrRelease();
    },
    release: () => {
      held.clear();
      holdOrRelease();
    },
    resume: () => {
      silent.clear();
      cut();
    },
    delay: (ms) => {
      delayMs = ms;
    },
    refuse: (value) => {
      refused = value;
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function orBoth(directions: readonly Direction[]): readonly Direction[] {
  return directions.length > 0 ? directions : ["toServer", "toClient"];
}
