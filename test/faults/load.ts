/** The Commands of a cell: a seeded mixture of everything that a Request can be. */
import { longWaitMs } from "./checker.ts";
import type { LoadCommand, LoadRequest } from "./facts.ts";
import type { Chance } from "./seeded.ts";

const commandsInRequestMax = 6;
/** Some callers wait shorter than the fault lasts: what they hear has to be true all the same. */
const shortWaitShare = 0.08;

/** Requests with that many Commands in all, spread over the agents. `prefix` makes the ids of this cell. */
export function makeLoad(
  chance: Chance,
  { prefix, agentIds, commands }: { prefix: string; agentIds: readonly string[]; commands: number },
): readonly LoadRequest[] {
  const requests: LoadRequest[] = [];
  for (let left = commands; left > 0;) {
    const size = Math.min(left, chance.happens(0.5) ? 1 : chance.between(2, commandsInRequestMax));
    const requestId = `${prefix}-r${requests.length}`;
    const agentId = agentIds[requests.length % agentIds.length] ?? "";
    const inSequence = chance.happens(0.6);
    requests.push({
      requestId,
      agentId,
      commands: Array.from({ length: size }, (_, i) =>
        makeCommand(chance, `${requestId}-c${i}`, inSequence),
      ),
      onError: chance.oneOf(["stop", "continue"]),
      waitMs: chance.happens(shortWaitShare) ? 1_000 * chance.between(4, 9) : longWaitMs,
    });
    left -= size;
  }
  return requests;
}

function makeCommand(chance: Chance, id: string, inSequence: boolean): LoadCommand {
  const idempotent = chance.happens(0.3);
  const [step, redo] = inSequence
    ? (["Step", "Redo"] as const)
    : (["FreeStep", "FreeRedo"] as const);
  return {
    id,
    type: idempotent ? redo : step,
    fails: chance.happens(0.08),
    takesMs: chance.between(0, 25),
    pauseAfter: chance.happens(0.5),
  };
}
