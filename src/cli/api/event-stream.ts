/** Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), as far as Muster uses them. */
import { splitStream } from "./split-stream.ts";

/** The `data` of each event, in order, until the stream ends. */
export async function* eventData(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
  for await (const block of splitStream(chunks, "\n\n")) {
    const data = block
      .split("\n")
      .filter((line) => line.startsWith("data:"))
      .map((line) => line.slice(5).trimStart());
    if (data.length > 0) yield data.join("\n");
  }
}
