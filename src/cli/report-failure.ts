/** What a failed command leaves behind: one message on stderr and its exit code (DESIGN §11: 1 failed, 2 usage). */
import { CommanderError } from "commander";
import { ConfigError } from "../config/index.ts";
import type { CliContext } from "./context.ts";
import { UsageError } from "./errors.ts";
import { plain } from "./text/plain.ts";

export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Says what went wrong, unless it was said already, and gives the exit code. */
export function reportFailure(error: unknown, context: CliContext): ExitCode {
  // Commander has written its own message; --help and --version end this way too.
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
  context.complain(`muster: ${printable(messageOf(error))}\n`);
  if (["debug", "trace"].includes(context.env["LOG_LEVEL"] ?? "") && error instanceof Error) {
    context.complain(`${String(error.stack)}\n`);
    if (error.cause instanceof Error) context.complain(`Cause: ${String(error.cause.stack)}\n`);
  }
  return error instanceof ConfigError || error instanceof UsageError
    ? exitCodes.usage
    : exitCodes.failed;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as Error & { code?: unknown };
  const known = error instanceof ConfigError || error instanceof UsageError;
  const message = error.message === "" ? error.name : error.message;
  return typeof code === "string" && !known ? `${message} [${code}]` : message;
}

/** Messages may hold what hosts said; our own have several lines at times. */
function printable(message: string): string {
  return message.split("\n").map(plain).join("\n");
}
