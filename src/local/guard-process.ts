import { rmSync } from "node:fs";
import { endNoted } from "./pid-files.ts";

const [folder, leavings] = process.argv.slice(2);
let said = "";
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("SIGHUP", () => undefined);
process.stdin.on("data", (chunk: Buffer) => {
  said += chunk.toString();
});
process.stdin.on("end", () => {
  if (folder === undefined || leavings === undefined || said.startsWith("dismissed")) return;
  void endNoted(folder, 5_000).finally(() => {
    rmSync(leavings, { recursive: true, force: true });
  });
});
