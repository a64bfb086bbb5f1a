/** A text of at most `charsMax` characters and a mark that there was more. */
export function clip(text: string, charsMax: number): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}
