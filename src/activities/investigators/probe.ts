/** What one probe of a host saw. Only `replied: true` says anything about the host. */
export interface ProbeResult {
  readonly replied: boolean;
  /** What was asked and what was seen, as a clause: `ICMP echo: no reply`. */
  readonly seen: string;
}

/** A question to a host over the network. Never fails: what goes wrong is what it saw. */
export type Probe = (address: string, signal: AbortSignal) => Promise<ProbeResult>;
