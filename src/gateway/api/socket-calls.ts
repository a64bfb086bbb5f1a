/** What callers say on the command socket, checked. */
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { batchCall, cancelCall, lookUpCall } from "./command-schemas.ts";
import { ApiError } from "./errors.ts";
import { firstError } from "./validation.ts";

export type BatchCall = Static<typeof batchCall>;
export type CancelCall = Static<typeof cancelCall>;
export type SocketCall = BatchCall | Static<typeof lookUpCall> | CancelCall;

const checks = {
  ask: Compile(batchCall),
  send: Compile(batchCall),
  submit: Compile(batchCall),
  request: Compile(lookUpCall),
  cancel: Compile(cancelCall),
} as const satisfies Readonly<Record<SocketCall["method"], ReturnType<typeof Compile<TSchema>>>>;

/** @throws ApiError INVALID_REQUEST naming the place. */
export function readCall(value: unknown): SocketCall {
  const method = (value as { readonly method?: unknown } | null)?.method;
  if (typeof method !== "string" || !Object.hasOwn(checks, method)) {
    const methods = Object.keys(checks).join(", ");
    throw new ApiError("INVALID_REQUEST", `message/method: must be one of ${methods}.`);
  }
  const check = checks[method as SocketCall["method"]];
  if (!check.Check(value)) throw new ApiError("INVALID_REQUEST", firstError(check, value));
  const call = value as SocketCall;
  if (call.method !== "cancel" || (call.requestId === undefined) !== (call.callId === undefined)) {
    return call;
  }
  throw new ApiError("INVALID_REQUEST", "message: takes one of requestId and callId.");
}
