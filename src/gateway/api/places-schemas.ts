/** Shapes of what the operator API takes and gives for zones and clusters. */
import { Type } from "typebox";

const strict = { additionalProperties: false };
const time = Type.String({ format: "date-time" });
const placeName = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: "^[^\\u0000-\\u001f\\u007f]+$",
});
const learnt = Type.Boolean({ description: "An agent made it known, no operator." });
export const zoneParams = Type.Object({ zone: placeName });
export const clusterParams = Type.Object({ zone: placeName, cluster: placeName });
export const zoneBody = Type.Object({ name: placeName }, strict);
export const clusterBody = Type.Object({ name: placeName, resourceType: placeName }, strict);
export const zone = Type.Object({
  name: Type.String(),
  learnt,
  declaredAt: time,
  clusters: Type.Integer(),
  agents: Type.Integer(),
});
export const zonesResult = Type.Object({ zones: Type.Array(zone) });
export const cluster = Type.Object({
  zone: Type.String(),
  name: Type.String(),
  resourceType: Type.String(),
  learnt,
  declaredAt: time,
  agents: Type.Integer({ description: "Registered and not removed." }),
});
export const clustersResult = Type.Object({ clusters: Type.Array(cluster) });
export const removedResult = Type.Object({ removed: Type.String() });
