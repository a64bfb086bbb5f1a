import type { AgentRefusal, RefusalJson } from "../api/types.ts";
import type { CliContext } from "../context.ts";
import { facts } from "./facts.ts";
import { roughly } from "./times.ts";
import { hanging } from "./wrap.ts";

type Page = Pick<CliContext, "now" | "width">;

/** In one sentence why an agent's last handshake was refused, how often, from where. */
export function refusalSentence(
  { code, reason, peer, gatewayId, firstAt, lastAt, count }: AgentRefusal,
  nowMs: number,
): string {
  const ago = (iso: string): string => roughly(nowMs - Date.parse(iso));
  const times = count === 1 ? "once" : `${count} times`;
  return (
    `${reason} [${code}] (${times} since ${ago(firstAt)}, last ${ago(lastAt)} ago, ` +
    `from ${peer} at gateway ${gatewayId})`
  );
}

/** All that is known of an agent that dials and was never admitted. */
export function refusalText(refusal: RefusalJson, { now, width }: Page): string {
  const { agentId, zone, cluster, resourceType } = refusal;
  const claims = zone === "" ? undefined : `zone ${zone}, cluster ${cluster}, type ${resourceType}`;
  const head = hanging(`${agentId}  `, "refused, never admitted", width);
  const pairs = [
    ["why", refusalSentence(refusal, now())],
    ["claims", claims],
    ["next", "The agent goes on trying, about once a minute: it gets in when this is corrected."],
  ] as const;
  return `${head}\n${facts(pairs, width)}`;
}
