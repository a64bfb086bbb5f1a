/** A caller's workflow: starts virtual machines on several hosts at once. Runs in Temporal's sandbox. */
import { CancellationScope } from "@temporalio/workflow";
import { StartVmCommand, StopVmCommand } from "muster/api";
import { CommandFailure, commandSender } from "muster/workflow";

/**
 * @typedef {object} Order
 * @property {readonly string[]} hosts Ids of the agents; the machines are dealt out to them in turn.
 * @property {readonly string[]} vms Names of the machines.
 * @property {import("muster/api").VmSpec} spec What each is made of.
 * @property {"report" | "undo"} [onFailure] When one can't be started: say so, or stop the others again.
 *
 * @typedef {object} Outcome What became of one machine.
 * @property {string} vm
 * @property {string} host
 * @property {"started" | "failed" | "unknown"} state `unknown`: it may run.
 * @property {string} [why]
 * @property {string} [commandId] Of the Command that was answered.
 */

/**
 * Starts them all at once, and ends when each has its one Answer. Nothing here minds being killed: the workflow goes on
 * where it was, and each Command runs once at most.
 * @param {Order} order
 */
export async function startVms({ hosts, vms, spec, onFailure = "report" }) {
  const agents = commandSender();
  const outcomes = await Promise.all(
    vms.map((vm, i) => startVm(agents, hosts[i % hosts.length] ?? "", vm, spec)),
  );
  const isWhole = outcomes.every(({ state }) => state === "started");
  const undone = !isWhole && onFailure === "undo" ? await undo(agents, outcomes) : [];
  return { outcomes, undone };
}

/**
 * @param {import("muster/workflow").CommandSender} agents
 * @param {string} host
 * @param {string} vm
 * @param {import("muster/api").VmSpec} spec
 * @returns {Promise<Outcome>}
 */
async function startVm(agents, host, vm, spec) {
  try {
    const answer = await agents.send(host, new StartVmCommand({ vm, spec }));
    const { commandId, details: why, outcome } = answer;
    if (answer.result) return { vm, host, state: "started", commandId };
    const state = outcome === "unknown" ? "unknown" : "failed";
    return { vm, host, state, commandId, ...(why !== undefined && { why }) };
  } catch (error) {
    // Refused, for instance because the host is in maintenance. A cancelled workflow ends here, as it should.
    if (!(error instanceof CommandFailure)) throw error;
    return {
      vm,
      host,
      state: error.outcome === "unknown" ? "unknown" : "failed",
      why: `${error.code}: ${error.message}`,
    };
  }
}

/**
 * Stops what was started, or may have been, also when the workflow is cancelled meanwhile.
 * @param {import("muster/workflow").CommandSender} agents
 * @param {readonly Outcome[]} outcomes
 */
async function undo(agents, outcomes) {
  const running = outcomes.filter(({ state }) => state !== "failed");
  return await CancellationScope.nonCancellable(() =>
    Promise.all(
      running.map(async ({ vm, host }) => {
        const answer = await agents.send(host, new StopVmCommand({ vm, force: true }));
        return { vm, host, stopped: answer.result };
      }),
    ),
  );
}
