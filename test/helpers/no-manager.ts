import type { ManagerLink } from "../../src/api/index.ts";

/** The manager of resources that run without an agent: nobody is there. */
export const noManager: ManagerLink = {
  ask: () => Promise.reject(new Error("This resource runs without an agent.")),
};
