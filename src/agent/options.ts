import type { ServerResource, ShutdownReason } from "../api/index.ts";
import type { ResourceSpec } from "./load-resource.ts";
import type { HostShare, ZoneLoss } from "./rehearsal/plan.ts";

/** What both kinds of agent process are told. */
export interface ConnectOptions {
  /** WebSocket URLs of the gateways, in order of trying. */
  readonly gateways: readonly string[];
  /** Muster's home; the agent's files are in `<home>/agents/<agentId>/`. */
  readonly home: string;
  /** Needed on first connect. */
  readonly joinToken?: string | undefined;
  /** PEM file of a certificate authority to trust beside the system's. */
  readonly tlsCaFile?: string | undefined;
  readonly frameBytesMax: number;
  /** Why the agent says goodbye when it is stopped. Default `stop`. */
  readonly shutdownReason?: ShutdownReason | undefined;
}

/** What `muster agent` is told. */
export interface AgentOptions extends ConnectOptions {
  readonly agentId: string;
  /** Where the host stands, unless its resources know better. */
  readonly zone: string;
  readonly cluster: string;
  /** At least one. */
  readonly resources: readonly ResourceSpec[];
}

/** How a direct agent differs from one of its own host: its gateway says who it is and whether it may act. */
export interface DirectOptions {
  /** Made by its owner for this claim. */
  readonly secret: string;
  /** Wraps each resource: it asks before it acts. */
  readonly guard: (resource: ServerResource) => ServerResource;
}

/** What `muster sim` is told. */
export interface SimOptions extends ConnectOptions {
  /** How many agents to run. */
  readonly agents: number;
  /** Agent ids are `<prefix>-0001`, … Default `sim`. */
  readonly idPrefix?: string | undefined;
  /** Agents are spread over so many zones (`zone-1`, …) and clusters in each (`zone-1-cluster-1`, …). Default 1. */
  readonly zones?: number | undefined;
  readonly clustersPerZone?: number | undefined;
  /** Agents that start to connect each second. Default 200. */
  readonly connectsPerSecond?: number | undefined;
  /** How many processes simulate them. Default: as few as may open so many files. */
  readonly processes?: number | undefined;
  /** Port on 127.0.0.1 of the world, where the hosts' power is switched. Default: any free one. */
  readonly worldPort?: number | undefined;
  /** Settings of each simulated host, as for the resource `simulator`. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** What a rehearsal does to them; absent: nothing happens. */
  readonly rehearsal?: RehearsalOptions | undefined;
}

/** A rehearsal of outages on a fleet that the seed decides. */
export interface RehearsalOptions {
  /** Spreads the hosts over zones and clusters, draws what they are like and who is hit. */
  readonly seed: number;
  /** VMs of a host at first, and what each of its Commands takes; drawn for each host. */
  readonly vms?: Bounds | undefined;
  readonly latencyMs?: Bounds | undefined;
  readonly lose: readonly ZoneLoss[];
  readonly kill?: HostShare | undefined;
  readonly flap?: HostShare | undefined;
}

/** Both included. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Says that an agent is connected for the first time. */
export interface AgentReady {
  readonly agentId: string;
  readonly gateway: string;
  readonly epoch: number;
}
