/** Zones and clusters: declaring the places that agents may be in (DESIGN §6). */
import {
  declareCluster,
  declareZone,
  listClusters,
  listZones,
  removeCluster,
  removeZone,
  type ClusterRow,
  type PlaceChange,
  type ZoneRow,
} from "../../db/index.ts";
import { ApiError } from "./errors.ts";
import type { ApiParts } from "./parts.ts";
import {
  cluster as clusterShape,
  clusterBody,
  clusterParams,
  clustersResult,
  removedResult,
  zone as zoneShape,
  zoneBody,
  zoneParams,
  zonesResult,
} from "./places-schemas.ts";
import { responses } from "./schemas.ts";
import type { Api } from "./validation.ts";

const tags = ["places"];

export function placesRoutes(api: Api, parts: ApiParts): void {
  zoneRoutes(api, parts);
  clusterRoutes(api, parts);
}

function zoneRoutes(api: Api, { db }: ApiParts): void {
  api.get(
    "/zones",
    { schema: { tags, summary: "All zones", response: responses(zonesResult) } },
    async () => ({ zones: await listZones(db) }),
  );

  api.post(
    "/zones",
    {
      schema: {
        tags,
        summary: "Declare a zone; one that is there stays as it is",
        body: zoneBody,
        response: responses(zoneShape),
      },
    },
    async ({ body: { name } }): Promise<ZoneRow> => {
      await declareZone(db, name);
      const zone = (await listZones(db)).find((one) => one.name === name);
      if (zone === undefined) throw zoneUnknown(name);
      return zone;
    },
  );

  api.delete(
    "/zones/:zone",
    {
      schema: {
        tags,
        summary: "Remove a zone that has neither clusters nor agents",
        params: zoneParams,
        response: responses(removedResult),
      },
    },
    async ({ params: { zone } }) => {
      throwRefusal(await removeZone(db, zone), zone);
      return { removed: zone };
    },
  );
}

function clusterRoutes(api: Api, { db }: ApiParts): void {
  api.get(
    "/clusters",
    { schema: { tags, summary: "Clusters of all zones", response: responses(clustersResult) } },
    async () => ({ clusters: await listClusters(db) }),
  );

  api.get(
    "/zones/:zone/clusters",
    {
      schema: {
        tags,
        summary: "Clusters of a zone",
        params: zoneParams,
        response: responses(clustersResult),
      },
    },
    async ({ params: { zone } }) => {
      const clusters = await listClusters(db, zone);
      const known = clusters.length > 0 || (await listZones(db)).some(({ name }) => name === zone);
      if (!known) throw zoneUnknown(zone);
      return { clusters };
    },
  );

  api.post(
    "/zones/:zone/clusters",
    {
      schema: {
        tags,
        summary: "Declare a cluster of one resource type; an empty one may be given another type",
        params: zoneParams,
        body: clusterBody,
        response: responses(clusterShape),
      },
    },
    async ({ params: { zone }, body: { name, resourceType } }): Promise<ClusterRow> => {
      throwRefusal(await declareCluster(db, zone, name, resourceType), zone, name);
      const cluster = (await listClusters(db, zone)).find((one) => one.name === name);
      if (cluster === undefined) throw clusterUnknown(zone, name);
      return cluster;
    },
  );

  api.delete(
    "/zones/:zone/clusters/:cluster",
    {
      schema: {
        tags,
        summary: "Remove a cluster that holds no agents",
        params: clusterParams,
        response: responses(removedResult),
      },
    },
    async ({ params: { zone, cluster } }) => {
      throwRefusal(await removeCluster(db, zone, cluster), zone, cluster);
      return { removed: cluster };
    },
  );
}

/** @throws ApiError when the change was not made: what is in the way, and what to do. */
function throwRefusal(change: PlaceChange, zone: string, cluster = ""): void {
  switch (change.type) {
    case "done":
      return;
    case "zoneUnknown":
      throw zoneUnknown(zone);
    case "clusterUnknown":
      throw clusterUnknown(zone, cluster);
    case "inUse":
      throw new ApiError("PLACE_IN_USE", whyInUse(change, zone, cluster));
    case "otherType": {
      const { agents, resourceType } = change;
      throw new ApiError(
        "CLUSTER_TYPE_FIXED",
        `Cluster ${cluster} of zone ${zone} holds ${count(agents, "agent")} of type ${resourceType}. ` +
          `${wayOut(zone, cluster)}, or declare a cluster of another name.`,
      );
    }
  }
}

function whyInUse(
  { agents, clusters }: { readonly agents: number; readonly clusters: number },
  zone: string,
  cluster: string,
): string {
  const place = cluster === "" ? `Zone ${zone}` : `Cluster ${cluster} of zone ${zone}`;
  if (agents > 0)
    return `${place} still has ${count(agents, "agent")}. ${wayOut(zone, cluster)} first.`;
  return (
    `${place} still has ${count(clusters, "cluster")}. Remove them first ` +
    `(\`muster cluster list --zone ${zone}\` names them, \`muster cluster remove ${zone} <cluster>\` removes one).`
  );
}

function wayOut(zone: string, cluster: string): string {
  const filter = cluster === "" ? `--zone ${zone}` : `--zone ${zone} --cluster ${cluster}`;
  return `Move its agents to another place or remove them (\`muster agents ${filter}\` names them)`;
}

function count(n: number, noun: string): string {
  return `${n} ${n === 1 ? noun : `${noun}s`}`;
}

function zoneUnknown(zone: string): ApiError {
  return new ApiError(
    "ZONE_UNKNOWN",
    `There is no zone ${zone}: \`muster zone list\` shows those that there are, \`muster zone add\` declares one.`,
  );
}

function clusterUnknown(zone: string, cluster: string): ApiError {
  return new ApiError(
    "CLUSTER_UNKNOWN",
    `There is no cluster ${cluster} in zone ${zone}: \`muster cluster list\` shows those that there are.`,
  );
}
