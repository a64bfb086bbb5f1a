/** The fence of a gateway, on what that gateway is made of. */
import { readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import { reportGateway } from "../db/index.ts";
import { Fence } from "./fence.ts";
import type { Gateway } from "./gateway.ts";
import type { Membership } from "./membership.ts";
import { askPeer } from "./peers/ask-peer.ts";

export function fenceOf({ parts, lease }: Gateway, membership: Membership): Fence {
  const { config, db, self, log, clock, direct, durable } = parts;
  const ca = config.tlsCaFile === undefined ? undefined : readFileSync(config.tlsCaFile, "utf8");
  const authorities = ca === undefined ? undefined : [...rootCertificates, ca];
  return new Fence({
    lease,
    log,
    nowMs: () => performance.now(),
    awakeMs: () => clock.now(),
    requests: () => direct.requests + durable.requests,
    report: (report) => reportGateway(db, self.gatewayId, self.incarnation, report),
    others: () => membership.others,
    askPeer: ({ peerUrl }) => askPeer(peerUrl, authorities),
    fencedBecause: () => membership.fencedBecause,
    isMember: () => membership.joined,
    fence: (why) => {
      membership.fence(why);
    },
    onRow: (incarnation) => {
      membership.noteRow(incarnation);
    },
  });
}
