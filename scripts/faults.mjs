/** `npm run faults -- [--minutes N] [--seed S] [--only …]`: sets up what is missing, then runs the fault matrix. */
import { runSource } from "./run-source.mjs";

await runSource("test/faults/main.ts");
