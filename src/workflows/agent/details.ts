import { disconnectRules } from "../../lifecycle/disconnect-rules.ts";
import { isoTime } from "../../lifecycle/iso-time.ts";
import { maintenanceLines } from "./maintenance-view.ts";
import { effectiveSettings } from "./state.ts";
import type { AgentState, Loss } from "./state.ts";

/** The agent at a glance, as Markdown for the Temporal UI. */
export function describe(state: AgentState): string {
  const { host, session, loss, mailbox, lastVerdict } = state;
  const settings = effectiveSettings(state);
  const lines = [
    `## ${state.agentId}: ${state.status}, ${state.resourceState}`,
    "",
    `- **Why**: ${plain(state.statusReason)}`,
    `- **Since**: ${isoTime(state.statusSinceMs)}`,
    `- **Last ping**: ${state.lastPingAtMs === null ? "none" : isoTime(state.lastPingAtMs)} (every ${settings.pingIntervalMs} ms, time-out at ${settings.pingTimeoutMultiplier} intervals)`,
    `- **Session**: ${session === null ? "none" : `${session.epoch} on gateway ${session.gatewayId}`}`,
    `- **Pending Requests**: ${mailbox.pending.length}`,
  ];
  if (host !== null) {
    const { resourceType, zone, cluster, software } = host;
    lines.push(`- **Host**: ${plain(`${resourceType} in ${zone}/${cluster}, ${software}`)}`);
  }
  const [evacuation, ...problems] = maintenanceLines(state).map(plain);
  if (evacuation !== undefined) lines.push(`- **Evacuation**: ${evacuation}`);
  for (const problem of problems) lines.push(`- ${problem}`);
  if (state.unhealthy !== null) lines.push(`- **Unhealthy**: ${plain(state.unhealthy)}`);
  if (state.alert !== null) lines.push(`- **Alert**: ${state.alert}`);
  if (loss !== null) lines.push(...describeLoss(loss));
  if (lastVerdict !== null) {
    const { investigator, verdict, evidence, atMs } = lastVerdict;
    lines.push(
      `- **Last verdict**: ${verdict} by Investigator ${investigator} at ${isoTime(atMs)}: ${plain(evidence)}`,
    );
  }
  for (const request of mailbox.pending.slice(0, pendingShownMax)) {
    const types = request.commands.map((command) => command.type).join(", ");
    lines.push(`- Request ${request.seq}: ${plain(types.slice(0, 100))}`);
  }
  return lines.join("\n");
}

/** What is known of a loss, by which rule it was decided, and what comes next. */
function describeLoss(loss: Loss): readonly string[] {
  const { atMs, rule, asked = [], investigateAtMs, alertAtMs, braked } = loss;
  const lines = [`- **Lost**: ${isoTime(atMs)}`];
  if (rule !== undefined) lines.push(`- **Rule**: ${disconnectRules[rule]}`);
  for (const { investigator, verdict, evidence, proof, tookMs } of asked) {
    const seen = plain(proof === undefined ? evidence : `${evidence} Proof: ${proof}`);
    // Not nested: the Temporal UI shows a list in a list as running text.
    lines.push(`- **Investigator ${investigator}**: ${verdict} in ${tookMs} ms. ${seen}`);
  }
  if (braked !== undefined) lines.push(`- **Down is held back**: ${plain(braked)}`);
  if (investigateAtMs !== undefined)
    lines.push(`- **Looked into next**: ${isoTime(investigateAtMs)}`);
  if (alertAtMs !== undefined) lines.push(`- **Alert at**: ${isoTime(alertAtMs)}`);
  return lines;
}

/** Temporal keeps 20,000 bytes of details; a full mailbox must not pass that. */
const pendingShownMax = 20;

/** Words from outside, so that they can't format the page. */
function plain(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ").replaceAll(/[\\`*_[\]<>|#]/g, (mark) => `\\${mark}`);
}
