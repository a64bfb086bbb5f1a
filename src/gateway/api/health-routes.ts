/** What watches the process: liveness, readiness, figures. Not part of `/api/v1`. */
import { temporalMetrics } from "../../temporal/index.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import type { Api } from "./validation.ts";

const schema = { hide: true };

export function healthRoutes(api: Api, { metrics, unreadyReasons, sureForMs }: ApiParts): void {
  api.get("/healthz", { schema }, () => ({ status: "ok" }));

  api.get("/readyz", { schema }, () => {
    const reasons = unreadyReasons();
    if (reasons.length > 0) throw new ApiError("NOT_READY", `Not ready: ${reasons.join("; ")}.`);
    return { status: "ready", sureForMs: Math.round(sureForMs()) };
  });

  api.get("/metrics", { schema }, async (_, reply) => {
    const own = await metrics.metrics();
    return await reply.type(metrics.contentType).send(`${own}\n${await temporalMetrics()}`);
  });
}
