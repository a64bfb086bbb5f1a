import { listGateways } from "../../db/index.ts";
import type { ApiParts } from "./parts.ts";
import { gatewaysResult, responses } from "./schemas.ts";
import type { Api } from "./validation.ts";

export function gatewaysRoutes(api: Api, { db }: ApiParts): void {
  api.get(
    "/gateways",
    {
      schema: {
        tags: ["gateways"],
        summary: "All gateways, as Postgres knows them",
        response: responses(gatewaysResult),
      },
    },
    async () => ({ gateways: await listGateways(db) }),
  );
}
