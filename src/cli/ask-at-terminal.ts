import { createInterface } from "node:readline/promises";

/** Asks on stderr and reads one line of stdin; an empty text when stdin ends. Ctrl-C ends the process, as anywhere. */
export async function askAtTerminal(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  try {
    const ended = new Promise<string>((resolve) => {
      lines.once("close", () => {
        resolve("");
      });
    });
    return await Promise.race([lines.question(question), ended]);
  } finally {
    lines.close();
  }
}
