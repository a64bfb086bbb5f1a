/** Sub-protocol that both sides offer; a later version gets a name of its own. */
export const subProtocol = "muster.v1";
/** The `v` of every frame of it. */
export const protocolVersion = 1;
/** Path of the agents' WebSocket. */
export const agentPath = "/agent";

/** Largest frame in bytes, by default. */
export const frameBytesMax = 1024 * 1024;
/** Deepest nesting of a frame: deeper JSON is refused before it is parsed into objects. */
export const frameDepthMax = 64;
/** Commands in one Request. */
export const commandsInRequestMax = 100;
/** Resources in one agent. */
export const resourcesInAgentMax = 64;
/** An agent id: also part of workflow ids, file names and URLs. */
export const agentIdPattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$";
/** Characters of an agent's own secret: 32 bytes in base64url are 43. */
export const secretCharsMin = 32;

/** `errorCode` of a StartupAnswer that sends the agent to the gateways that it names, of which it may try any at once. */
export const elsewhereCode = "DRAINING";

/** WebSocket close codes (docs/PROTOCOL.md). Append only. */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  tooLarge: 1009,
  malformed: 4400,
  unauthenticated: 4401,
  refused: 4403,
  handshakeTimeout: 4408,
  superseded: 4409,
  silent: 4410,
  reconnect: 4412,
  tooSlow: 4413,
  busy: 4429,
  unavailable: 4503,
} as const;
