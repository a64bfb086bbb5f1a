import { defineConfig } from "vitest/config";

const servers = { globalSetup: ["test/helpers/servers-setup.ts"] };

/** Time-outs are generous on purpose: a loaded machine must not fail a test, and waits end when their condition holds. */
export default defineConfig({
  test: {
    pool: "forks",
    restoreMocks: true,
    teardownTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 20_000,
          // Pure code keeps no state between files; a fresh process for each took two thirds of the time.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          // The lifecycle's own code on a simulated Temporal: a module of its own for each file.
          name: "model",
          include: ["test/model/**/*.test.ts"],
          testTimeout: 120_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...servers,
          name: "integration",
          include: ["test/integration/**/*.test.ts", "test/replay/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...servers,
          name: "scenarios",
          include: ["test/scenarios/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
