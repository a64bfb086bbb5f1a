/** Tells a refused agent what to change and when to come back, and everybody else that it was refused. */
import type { StartupAnswer } from "../api/index.ts";
import { refusalRetryMs, refuseVersion } from "../lifecycle/admission.ts";
import type { UnsupportedVersionError } from "../wire/errors.ts";
import { closeCodes, protocolVersion } from "../wire/limits.ts";
import type { AgentSocket } from "./agent-socket.ts";
import type { HandshakeRefusal, HandshakeRefusedError } from "./errors.ts";
import type { Hello } from "./hello.ts";
import type { GatewayParts } from "./parts.ts";

/** The agent may not connect: answered, noted, closed. */
export function refuseAgent(
  parts: GatewayParts,
  socket: AgentSocket,
  hello: Hello,
  refusal: HandshakeRefusedError,
): void {
  const { code, message, proven, retryable } = refusal;
  const startup = hello.startups[0];
  parts.metrics.handshakes.inc({ result: code });
  parts.refusals.note({
    agentId: hello.fields.agentId,
    peer: socket.peer,
    zone: startup?.zone ?? "",
    cluster: startup?.cluster ?? "",
    resourceType: startup?.resourceType ?? "",
    ...{ code, reason: message, proven, retryable },
  });
  const retryAfterMs = refusalRetryMs(refusal, Math.random());
  const answers = hello.startups.map(({ id }): StartupAnswer => ({
    type: "StartupAnswer",
    commandId: id,
    result: false,
    errorCode: code,
    details: message,
    retryAfterMs,
  }));
  socket.send({ v: protocolVersion, kind: "response", lane: "session", seq: hello.seq, answers });
  socket.end(closeCodeOf(code), message);
}

/** The agent speaks another version: only the frame of an error is likely to be understood. */
export function refuseOtherVersion(
  parts: GatewayParts,
  socket: AgentSocket,
  { spoken, agentId }: UnsupportedVersionError,
): void {
  const refusal = refuseVersion(spoken, protocolVersion);
  const { code, message, proven, retryable } = refusal;
  parts.metrics.handshakes.inc({ result: code });
  if (agentId !== undefined) {
    const nowhere = { zone: "", cluster: "", resourceType: "" };
    const facts = { code, reason: message, proven, retryable };
    parts.refusals.note({ agentId, peer: socket.peer, ...nowhere, ...facts });
  }
  const retryAfterMs = refusalRetryMs(refusal, Math.random());
  socket.end(closeCodes.refused, { code, message, retryAfterMs });
}

function closeCodeOf(refusal: HandshakeRefusal): number {
  switch (refusal) {
    case "JOIN_TOKEN_NEEDED":
    case "JOIN_TOKEN_WRONG":
    case "SECRET_WRONG":
    case "DIRECT_AGENT":
      return closeCodes.unauthenticated;
    case "UNSUPPORTED_VERSION":
    case "REMOVED":
    case "NO_RESOURCE":
    case "DUPLICATE_RESOURCE":
    case "MIXED_PLACES":
    case "TOO_MANY_COMMAND_TYPES":
    case "ZONE_UNKNOWN":
    case "CLUSTER_UNKNOWN":
    case "RESOURCE_TYPE_MISMATCH":
    case "RESOURCE_TYPE_CHANGED":
    case "VETOED":
      return closeCodes.refused;
  }
}
