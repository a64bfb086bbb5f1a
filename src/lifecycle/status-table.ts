/**
 * Status of an agent: what may follow what (CloudStack's Status.java, newest; DESIGN §5). A blank cell is refused: the
 * Status stays and the refusal is logged.
 *
 * Where this table leaves CloudStack's:
 * - Up, Connecting × AgentDisconnected, PingTimeout → Disconnected, not Alert: the agent is lost and being looked into;
 *   an alert before anybody looked is noise.
 * - Disconnected × PingTimeout → Disconnected, not Alert: a gateway's loss leads here, and the time-out that follows its
 *   grace must start the investigation, not end it.
 * - Alert × PingTimeout, WaitedTooLong → Alert: an agent in Alert is investigated again and again; asking must not
 *   be an error.
 * - Remove from every state but Removed: an operator may always take an agent out, also one that never came up.
 * - Connecting × Ping → Up, not Connecting: a relayed ping is proof that the session works.
 */
import type { Status, StatusEvent } from "../api/index.ts";

type Row = Readonly<Partial<Record<StatusEvent, Status>>>;

const statusTable: Readonly<Record<Status, Row>> = {
  Creating: { AgentConnected: "Connecting", Remove: "Removed", Error: "Error" },
  Connecting: {
    AgentConnected: "Connecting",
    Ready: "Up",
    Ping: "Up",
    PingTimeout: "Disconnected",
    AgentDisconnected: "Disconnected",
    ShutdownRequested: "Disconnected",
    HostDown: "Down",
    ManagementServerDown: "Disconnected",
    Remove: "Removed",
  },
  Up: {
    AgentConnected: "Connecting",
    Ping: "Up",
    PingTimeout: "Disconnected",
    AgentDisconnected: "Disconnected",
    ShutdownRequested: "Disconnected",
    HostDown: "Down",
    ManagementServerDown: "Disconnected",
    StartAgentRebalance: "Rebalancing",
    Remove: "Removed",
  },
  Disconnected: {
    AgentConnected: "Connecting",
    Ping: "Up",
    PingTimeout: "Disconnected",
    AgentDisconnected: "Disconnected",
    ShutdownRequested: "Disconnected",
    HostDown: "Down",
    ManagementServerDown: "Disconnected",
    WaitedTooLong: "Alert",
    Remove: "Removed",
  },
  Down: {
    AgentConnected: "Connecting",
    PingTimeout: "Down",
    AgentDisconnected: "Down",
    ShutdownRequested: "Disconnected",
    HostDown: "Down",
    ManagementServerDown: "Down",
    Remove: "Removed",
  },
  Alert: {
    AgentConnected: "Connecting",
    Ping: "Up",
    PingTimeout: "Alert",
    AgentDisconnected: "Alert",
    ShutdownRequested: "Disconnected",
    HostDown: "Down",
    ManagementServerDown: "Alert",
    WaitedTooLong: "Alert",
    Remove: "Removed",
  },
  Rebalancing: {
    AgentConnected: "Connecting",
    AgentDisconnected: "Rebalancing",
    ShutdownRequested: "Disconnected",
    ManagementServerDown: "Disconnected",
    AgentRebalanceCompleted: "Connecting",
    AgentRebalanceFailed: "Disconnected",
    Remove: "Removed",
  },
  Error: { AgentConnected: "Connecting", Remove: "Removed" },
  Unknown: { Remove: "Removed" },
  Removed: {},
};

/** The Status after an event; undefined when the table refuses it. */
export function nextStatus(status: Status, event: StatusEvent): Status | undefined {
  return statusTable[status][event];
}

/** Statuses in which the manager has no session with the agent. */
export function isLost(status: Status): boolean {
  return status !== "Up" && status !== "Connecting" && status !== "Rebalancing";
}
