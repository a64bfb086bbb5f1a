import { listGateways, type GatewayRow } from "../../db/index.ts";
import { gatewayStanding } from "../../lifecycle/gateway-standing.ts";
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
    async () => ({ gateways: (await listGateways(db)).map(shown) }),
  );
}

function shown(row: GatewayRow) {
  const { state, draining, fencedBecause, reportAgoMs } = row;
  const fenced = fencedBecause !== null;
  const standing = gatewayStanding({
    ...{ state, draining, fenced },
    reportAgoMs: reportAgoMs ?? undefined,
  });
  return { ...row, standing, stateReason: fencedBecause ?? row.stateReason };
}
