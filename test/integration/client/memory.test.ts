import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { CheckHealthCommand, StopVmCommand } from "../../../src/api/index.ts";
import { useFakes } from "../../unit/client/fake-gateway.ts";

const { startGateway, manager } = useFakes();
const stopVm = new StopVmCommand({ vm: "a" });

describe("AgentManager", () => {
  it("100,000 calls - leave nothing behind in memory", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const gateway = await startGateway();
    gateway.keepsCalls = false;
    const muster = manager([gateway]);
    const { signal } = new AbortController();
    const batch = async (calls: number): Promise<number> => {
      for (let done = 0; done < calls; done += 1_000) {
        await Promise.all(
          Array.from({ length: 1_000 }, (_, i) =>
            i % 2 === 0
              ? muster.ask(`host-${done + i}`, new CheckHealthCommand(), { signal })
              : muster.send(`host-${done + i}`, stopVm, { signal }),
          ),
        );
      }
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await batch(5_000);
    const after = await batch(100_000);
    // Less than ten bytes a call: nothing is kept of any.
    expect(after - before).toBeLessThan(1_000_000);
  });
});
