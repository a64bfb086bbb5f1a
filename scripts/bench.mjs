/** `npm run bench -- direct|durable|connect|fleet|idle|storm [--json] [--profile folder]`: sets up what is missing, then measures. */
import { runSource } from "./run-source.mjs";

await runSource("bench/main.ts");
