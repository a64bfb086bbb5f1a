import type { CliContext } from "../context.ts";
import { ApiClient } from "./client.ts";
import { findApi } from "./target.ts";

/**
 * The operator API that the settings name.
 * @throws ConfigError.
 */
export function openApi(context: CliContext): ApiClient {
  return new ApiClient(findApi(context.config()));
}
