/** How one gateway proves to another that it is of the same cluster. */
import { createHmac } from "node:crypto";

/** Path of the link between gateways, on the operator API's port. */
export const peerPath = "/api/v1/peer";
/** Names the run of the gateway that is meant: one that took its place must not take the call for it. */
export const peerHeader = "x-muster-gateway";

/**
 * What gateways show each other. It follows from MUSTER_API_TOKEN, which all gateways of a cluster share; a caller who
 * shows the token itself does not get in here.
 */
export function peerToken(apiToken: string): string {
  return createHmac("sha256", apiToken).update("muster gateway to gateway").digest("hex");
}

/** A run of a gateway, as the header names it. */
export function peerName(gateway: {
  readonly gatewayId: string;
  readonly incarnation: string;
}): string {
  return `${gateway.gatewayId}/${gateway.incarnation}`;
}
