// @ts-check
/**
 * A listener in a package of its own: keeps a log of who connects and what becomes of hosts, and keeps agents out that stand
 * on a list. It depends on `muster/api` alone.
 */
import { appendFile, readFile } from "node:fs/promises";
/**
 * @import { ConnectedAgent, ConnectingAgent, DisconnectedAgent, HookCallOptions, HookFactory, HookListener, HostDown,
 *   PassingAnswers, PassingCommands, ResourceStateChange, StatusChange, Veto } from "muster/api"
 */

/** @implements {HookListener} */
class AuditHook {
  name = "audit";
  #log;
  #denied;

  /**
   * @param {string} log file to append to, a JSON object a line
   * @param {string | undefined} denied file with ids of agents that may not connect, one a line
   */
  constructor(log, denied) {
    this.#log = log;
    this.#denied = denied;
  }

  /**
   * @param {ConnectingAgent} agent
   * @param {HookCallOptions} options
   * @returns {Promise<Veto | undefined>}
   */
  async onConnecting({ agentId }, { signal }) {
    if (this.#denied === undefined) return undefined;
    const ids = (await readFile(this.#denied, { encoding: "utf8", signal })).split("\n");
    return ids.includes(agentId)
      ? { veto: `${agentId} is on the list of hosts that must stay out` }
      : undefined;
  }

  /** @param {ConnectedAgent} news */
  async onConnected({ agentId, epoch, gatewayId, peer }) {
    await this.#write({ what: "connected", agentId, epoch, gatewayId, peer });
  }

  /** @param {DisconnectedAgent} news */
  async onDisconnected({ agentId, epoch, closeCode, details }) {
    await this.#write({ what: "disconnected", agentId, epoch, closeCode, details });
  }

  /** @param {StatusChange} news */
  async onStatusChanged({ agentId, no, from, to, reason }) {
    await this.#write({ what: "status", agentId, no, from, to, reason });
  }

  /** @param {ResourceStateChange} news */
  async onResourceStateChanged({ agentId, no, from, to, reason }) {
    await this.#write({ what: "resourceState", agentId, no, from, to, reason });
  }

  /** @param {HostDown} news */
  async onHostDown({ agentId, reason }) {
    await this.#write({ what: "hostDown", agentId, reason });
  }

  /** @param {PassingCommands} news */
  async onCommands({ agentId, lane, seq, commands }) {
    // Types alone: the fields of Commands may hold secrets.
    const types = commands.map(({ type }) => type);
    await this.#write({ what: "commands", agentId, lane, seq, types });
  }

  /** @param {PassingAnswers} news */
  async onAnswers({ agentId, lane, seq, answers }) {
    const results = answers.map(({ type, result }) => ({ type, result }));
    await this.#write({ what: "answers", agentId, lane, seq, results });
  }

  /** @param {object} line */
  async #write(line) {
    await appendFile(this.#log, `${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`);
  }
}

/** @type {HookFactory} */
const createAuditHook = () => {
  const { AUDIT_LOG: log, AUDIT_DENIED: denied } = process.env;
  if (log === undefined) throw new Error("AUDIT_LOG is not set: name the file to write to.");
  return new AuditHook(log, denied);
};
export default createAuditHook;
