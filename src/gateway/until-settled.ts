import type { RequestView } from "../workflows/agent-messages.ts";
import type { CallerRequest } from "./command-lanes.ts";
import { Waiter, type DurableWaiters } from "./durable-waiters.ts";
import type { RecordWatch, RecordWatchPort } from "./record-watch.ts";

const lastLookMs = 1_000;

/** Where news of a Request comes from. */
interface Around {
  readonly waiters: DurableWaiters;
  readonly records: RecordWatch;
  readonly port: Pick<RecordWatchPort, "request">;
}

interface Look {
  readonly agentId: string;
  /** What the record said just now. */
  readonly view: RequestView;
  readonly waitMs: number;
  readonly onOpen: CallerRequest["onOpen"];
}

/** What the record of a Request says once it is settled, or after `waitMs`. */
export async function untilSettled(around: Around, look: Look): Promise<RequestView> {
  const { agentId, view, waitMs } = look;
  if (view.state === "settled" || waitMs <= 0) return view;
  const end = await newsOf(around, look);
  if (end !== "waitOver") return end;
  try {
    return (await around.port.request(agentId, view.requestId, lastLookMs)) ?? view;
  } catch {
    return view;
  }
}

async function newsOf(
  { waiters, records }: Around,
  { agentId, view, waitMs, onOpen }: Look,
): Promise<RequestView | "waitOver"> {
  const { requestId, seq, handed, commands, waitLeftMs = 0 } = view;
  const waitOverMs = performance.now() + waitLeftMs;
  const ends: (() => void)[] = [];
  try {
    return await new Promise((resolve) => {
      const stop = (): void => {
        resolve(view);
      };
      const waiter = new Waiter({
        ...{ agentId, requestId, commands, waitOverMs, onProgress: undefined, giveUp: stop },
        settle: (answers) => {
          resolve({ requestId, seq, state: "settled", handed, commands, answers });
        },
      });
      waiters.add(waiter);
      const unwatch = records.watch(waiter, waitOverMs, (seen) => {
        if (seen.state === "settled") resolve(seen);
      });
      const timer = setTimeout(resolve, waitMs, "waitOver");
      ends.push(
        () => {
          waiters.remove(waiter);
        },
        unwatch,
        () => {
          clearTimeout(timer);
        },
      );
      onOpen?.({ leave: stop });
    });
  } finally {
    for (const end of ends) end();
  }
}
