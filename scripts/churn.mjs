/** `npm run churn -- [--minutes N] [--agents N] [--gateways N] [--seed S]`: sets up what is missing, then runs it. */
import { runSource } from "./run-source.mjs";

await runSource("test/faults/churn.ts");
