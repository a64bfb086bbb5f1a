import { plain } from "./plain.ts";

/** Breaks text between words into lines of at most `width`; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of plain(text).split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return line === "" ? lines : [...lines, line];
}

/** `first` and then the text, wrapped, its further lines indented to stand below its first. Ends with a newline. */
export function hanging(first: string, text: string, width: number): string {
  const indent = " ".repeat(first.length);
  const lines = wrap(text, Math.max(width - first.length, 20));
  return `${first}${lines.join(`\n${indent}`)}`.trimEnd().concat("\n");
}
