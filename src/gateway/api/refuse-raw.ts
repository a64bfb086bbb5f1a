import type { Duplex } from "node:stream";
import { problemMediaType, problemOf, type ProblemCode } from "./problems.ts";

/** Writes a refusal to a connection that has no response object (an upgrade, or what is no HTTP), and ends it. */
export function refuseRaw(raw: Duplex, code: ProblemCode, detail: string): void {
  const problem = problemOf(code, detail);
  const body = JSON.stringify(problem);
  const challenge = code === "UNAUTHENTICATED" ? ['WWW-Authenticate: Bearer realm="muster"'] : [];
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    "Connection: close",
    `Content-Type: ${problemMediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...challenge,
  ];
  raw.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
