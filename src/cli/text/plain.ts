/**
 * Text of others (hosts, libvirt, operators) as it may go to a terminal: on one line, without control characters that
 * could move the cursor or hide what was written.
 */
export function plain(text: string): string {
  return text.replaceAll(/\s*[\n\r\t]+\s*/g, " ").replaceAll(/[\p{Cc}\p{Cf}]/gu, "·");
}
