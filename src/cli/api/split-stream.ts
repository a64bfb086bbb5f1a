/** The text between separators, piece by piece as it comes; what stands behind the last separator is a piece too. */
export async function* splitStream(
  chunks: AsyncIterable<Buffer>,
  separator: string,
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const pieces = `${rest}${decoder.decode(chunk, { stream: true })}`.split(separator);
    rest = pieces.pop() ?? "";
    yield* pieces;
  }
  if (rest !== "") yield rest;
}
