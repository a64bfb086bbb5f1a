import { describe, expect, it } from "vitest";
import { KvmError } from "../../../src/resources/kvm/errors.ts";
import { VirshCall } from "../../../src/resources/kvm/virsh-call.ts";
import { virshFailure } from "../../../src/resources/kvm/virsh-failure.ts";
import type { Virsh, VirshRun } from "../../../src/resources/kvm/virsh.ts";

/** A virsh whose migration ends when the test says so, and whose undo fails `undoFailures` times first. */
function migratingVirsh(undoFailures: number) {
  let endMigration: (error?: Error) => void = () => undefined;
  let undone = 0;
  const virsh: Virsh = {
    run(args: readonly string[], how: VirshRun) {
      if (args[0] === "migrate") {
        how.onStart?.();
        return new Promise((resolve, reject) => {
          endMigration = (error) => {
            if (error === undefined) resolve("moved");
            else reject(error);
          };
        });
      }
      undone++;
      if (undone <= undoFailures)
        return Promise.reject(virshFailure("domjobabort", "error: no job"));
      endMigration(
        virshFailure("migrate", "error: operation aborted: migration out job: canceled by client"),
      );
      return Promise.resolve("");
    },
  };
  return {
    virsh,
    end: (error?: Error) => {
      endMigration(error);
    },
    undone: () => undone,
  };
}

const callOf = (virsh: Virsh, signal: AbortSignal, waitMs = 60_000) =>
  new VirshCall(virsh, { signal, waitMs, readTimeoutMs: 1_000 });

/** What a Command would say of the error that the work ended with. */
async function endOf(call: VirshCall, work: Promise<unknown>) {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KvmError)) return { code: undefined, outcome: undefined };
  return { code: error.code, outcome: call.outcomeAfter(error) };
}

describe("work that can be taken back", () => {
  it("a cancel - undoes it, again where that fails at first, and then nothing was sent", async () => {
    const { virsh, undone } = migratingVirsh(2);
    const cancel = new AbortController();
    const call = callOf(virsh, cancel.signal);
    const work = call.changeUnlessUndone(["migrate"], ["domjobabort"]);
    cancel.abort();
    expect(await endOf(call, work)).toEqual({ code: "CANCELLED", outcome: "notSent" });
    expect(undone()).toBe(3);
  });

  it("the end of the wait - undoes it too", async () => {
    const { virsh } = migratingVirsh(0);
    const call = callOf(virsh, new AbortController().signal, 50);
    const work = call.changeUnlessUndone(["migrate"], ["domjobabort"]);
    expect(await endOf(call, work)).toEqual({ code: "TIMED_OUT", outcome: "notSent" });
  });

  it("work that is done before it could be undone - is a success", async () => {
    const { virsh, end } = migratingVirsh(Number.POSITIVE_INFINITY);
    const cancel = new AbortController();
    const work = callOf(virsh, cancel.signal).changeUnlessUndone(["migrate"], ["domjobabort"]);
    cancel.abort();
    end();
    expect(await work).toBe("moved");
  });

  it("a connection lost while undoing - leaves the outcome unknown", async () => {
    const { virsh, end } = migratingVirsh(Number.POSITIVE_INFINITY);
    const cancel = new AbortController();
    const call = callOf(virsh, cancel.signal);
    const work = call.changeUnlessUndone(["migrate"], ["domjobabort"]);
    cancel.abort();
    end(virshFailure("migrate", "error: End of file while reading data: Input/output error"));
    expect(await endOf(call, work)).toEqual({
      code: "LIBVIRT_CONNECTION_LOST",
      outcome: "unknown",
    });
  });

  it("a cancel before it began - begins nothing", async () => {
    const { virsh, undone } = migratingVirsh(0);
    const call = callOf(virsh, AbortSignal.abort());
    const work = call.changeUnlessUndone(["migrate"], ["domjobabort"]);
    expect(await endOf(call, work)).toEqual({ code: "CANCELLED", outcome: "notSent" });
    expect(undone()).toBe(0);
  });
});
