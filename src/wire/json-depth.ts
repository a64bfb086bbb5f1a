const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Whether JSON text is nested deeper than `levels`, found without parsing it. Text that is not JSON gets some answer:
 * the parser refuses it later.
 */
export function exceedsDepth(text: string, levels: number): boolean {
  // Frames with few brackets, nearly all, are settled by a few native searches.
  if (count(text, "{", levels) + count(text, "[", levels) <= levels) return false;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === backslash) i++;
      else if (char === quote) inString = false;
    } else if (char === quote) {
      inString = true;
    } else if (char === openBrace || char === openBracket) {
      if (++depth > levels) return true;
    } else if (char === closeBrace || char === closeBracket) {
      depth--;
    }
  }
  return false;
}

/** How often `char` occurs in `text`, counted up to one more than `most`. */
function count(text: string, char: string, most: number): number {
  let found = 0;
  for (let at = text.indexOf(char); at >= 0 && found <= most; at = text.indexOf(char, at + 1)) {
    found++;
  }
  return found;
}
