import type { ApiClient, CallOptions, Method } from "./client.ts";
import { ApiRefusedError } from "./errors.ts";

/**
 * A call that ends at the gateway that is asked, because it goes straight to the agent's socket: asked again of the
 * gateway that holds the agent, when another one is said to.
 * @throws ApiRefusedError, ApiUnreachableError.
 */
export async function callWhereHeld<T>(
  api: ApiClient,
  method: Method,
  path: string,
  options: CallOptions,
): Promise<T> {
  try {
    return await api.call<T>(method, path, options);
  } catch (error) {
    const url = error instanceof ApiRefusedError ? error.apiUrl : undefined;
    const there = url === undefined ? undefined : api.at(url);
    if (there === undefined) throw error;
    return await there.call<T>(method, path, options);
  }
}
