import { pino, type Logger } from "pino";

export type Log = Logger;

/** Paths whose values never reach a log line. */
const secretPaths = [
  "secret",
  "joinToken",
  "apiToken",
  "credentials",
  "*.secret",
  "*.joinToken",
  "*.credentials",
  "headers.authorization",
];

/** The process's logger: JSON lines on stderr, so that stdout stays for answers. */
export function createLog(name: string, level: string): Log {
  return pino(
    { name, level, redact: { paths: secretPaths, censor: "[secret]" }, base: { pid: process.pid } },
    pino.destination({ fd: 2, sync: false }),
  );
}
