/** The links to other gateways, one for each run of one. */
import type { Route } from "../../db/index.ts";
import type { Log } from "../../telemetry/log.ts";
import { peerHeader, peerName, peerPath, peerToken } from "./peer-auth.ts";
import { PeerLink } from "./peer-link.ts";

export interface PeersOptions {
  readonly apiToken: string;
  /** Certificate authorities that the peers' certificates are checked by; the system's when undefined. */
  readonly ca: readonly string[] | undefined;
  readonly log: Log;
}

export class Peers {
  readonly #options: PeersOptions;
  readonly #links = new Map<string, PeerLink>();
  #isClosed = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** This gateway stops. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Calls under way to other gateways. */
  get inFlight(): number {
    let sum = 0;
    for (const link of this.#links.values()) sum += link.inFlight;
    return sum;
  }

  /** The link to the gateway of a route; undefined when nobody knows its address. */
  linkTo(route: Route): PeerLink | undefined {
    const name = peerName(route);
    const known = this.#links.get(name);
    if (known !== undefined || route.peerUrl === null) return known;
    const { apiToken, ca, log } = this.#options;
    const { gatewayId, peerUrl } = route;
    const link = new PeerLink(
      {
        apiUrl: peerUrl,
        name: gatewayId,
        headers: { authorization: `Bearer ${peerToken(apiToken)}`, [peerHeader]: name },
        ca,
        nowMs: () => performance.now(),
        onChange: (from, to, why) => {
          log.info({ peer: gatewayId, from, to, why }, "peer link");
          // A run of a gateway that is gone does not come back; one that does gets a new link.
          if (to === "idle") this.#links.delete(name);
        },
      },
      peerPath,
    );
    this.#links.set(name, link);
    return link;
  }

  close(): void {
    this.#isClosed = true;
    for (const link of [...this.#links.values()]) link.close();
    this.#links.clear();
  }
}
