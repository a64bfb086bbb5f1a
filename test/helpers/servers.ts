import { inject } from "vitest";
import type { Servers } from "./servers-setup.ts";

/** Addresses of this run's Temporal and PostgreSQL. Only in integration and scenario tests. */
export function servers(): Servers {
  return inject("servers");
}
