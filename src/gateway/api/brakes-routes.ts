/** The brakes on mass loss: which are on, and letting Down through all the same. */
import { listBrakes, releaseBrake } from "../../db/index.ts";
import type { ApiParts } from "./parts.ts";
import { responses } from "./schemas.ts";
import type { Api } from "./validation.ts";
import { brakesResult, releaseBody, releaseResult } from "./why-schemas.ts";

const tags = ["brakes"];
const releaseSeconds = 3_600;

export function brakesRoutes(api: Api, { db, log }: ApiParts): void {
  api.get(
    "/brakes",
    {
      schema: {
        tags,
        summary: "Zones and clusters in which Down is held back, or was released by an operator",
        response: responses(brakesResult),
      },
    },
    async () => ({ brakes: await listBrakes(db) }),
  );

  api.post(
    "/brakes/release",
    {
      schema: {
        tags,
        summary: "Let Down verdicts of a zone, or of one cluster, through for a while",
        description:
          "A zone's release counts for all its clusters, a cluster's for itself whatever its zone says. Hosts whose Down was " +
          "held back are asked about again within investigate.retry, and are Down if that still is the verdict.",
        body: releaseBody,
        response: responses(releaseResult),
      },
    },
    async ({ body: { zone, cluster = "", forSeconds = releaseSeconds, by = "an operator" } }) => {
      const brake = await releaseBrake(db, zone, cluster, forSeconds * 1_000, by);
      log.warn({ zone, cluster, forSeconds, by }, "brake released: Down verdicts count again");
      return brake;
    },
  );
}
