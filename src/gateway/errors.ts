import type { AdmissionRefusal, AdmissionRefused } from "../lifecycle/admission.ts";
import type { ToBeSealed } from "../workflows/agent-messages.ts";

/** Why a Request was refused before anything was recorded. `code` is stable, `message` says what to change. */
export class RequestRefusedError extends Error {
  readonly code:
    | "AGENT_UNKNOWN"
    | "AGENT_REMOVED"
    | "AGENT_NOT_CONNECTED"
    | "AGENT_ELSEWHERE"
    | "NOT_READ_ONLY"
    | "RESOURCE_STATE"
    | "MAILBOX_FULL"
    | "INVALID_REQUEST"
    | "DUPLICATE_COMMAND_ID"
    | "REQUEST_ID_TAKEN"
    | "REQUEST_FORGOTTEN"
    | "TOO_LARGE"
    | "AGENT_BUSY"
    | "PAYLOAD_KEY_NEEDED"
    | "NOT_READY"
    | "MANAGER_UNAVAILABLE";
  /** For AGENT_ELSEWHERE: the operator API of the gateway that holds the agent. */
  readonly apiUrl?: string;
  constructor(
    code: RequestRefusedError["code"],
    message: string,
    options: ErrorOptions & { apiUrl?: string } = {},
  ) {
    super(message, options);
    this.name = "RequestRefusedError";
    this.code = code;
    if (options.apiUrl !== undefined) this.apiUrl = options.apiUrl;
  }
}

/** The lifecycle refuses secrets in clear. The Request may be brought again with these fields sealed. */
export class SecretsInClearError extends RequestRefusedError {
  readonly secretFields: ToBeSealed["secretFields"];
  constructor(
    message: string,
    secretFields: ToBeSealed["secretFields"],
    options: ErrorOptions = {},
  ) {
    super("INVALID_REQUEST", message, options);
    this.name = "SecretsInClearError";
    this.secretFields = secretFields;
  }
}

/** Why an agent may not connect. `code` is stable; the message goes to the agent and says what to change. */
export class HandshakeRefusedError extends Error {
  readonly code: HandshakeRefusal;
  /** The agent is registered and has proven who it is: its lifecycle hears of it. */
  readonly proven: boolean;
  /** It may be admitted later though nobody changes anything. */
  readonly retryable: boolean;
  constructor(
    code: HandshakeRefusal,
    message: string,
    options: ErrorOptions & { readonly proven?: boolean; readonly retryable?: boolean } = {},
  ) {
    super(message, options);
    this.name = "HandshakeRefusedError";
    this.code = code;
    this.proven = options.proven ?? false;
    this.retryable = options.retryable ?? false;
  }

  /** The refusal that the rules decided on. */
  static of(
    { code, message, proven, retryable }: AdmissionRefused,
    options: ErrorOptions = {},
  ): HandshakeRefusedError {
    return new HandshakeRefusedError(code, message, { ...options, proven, retryable });
  }
}
/** The rules' refusals, those of a hello that contradicts itself, and that of outside code. Append only. */
export type HandshakeRefusal =
  | AdmissionRefusal
  | "NO_RESOURCE"
  | "DUPLICATE_RESOURCE"
  | "MIXED_PLACES"
  | "TOO_MANY_COMMAND_TYPES"
  | "VETOED";

/** A listener that an agent waits for failed or took too long, and MUSTER_HOOK_FAILURE says not to admit without it. */
export class ListenerFailedError extends Error {
  readonly code = "LISTENER_FAILED";
  constructor(failures: string) {
    super(`A listener that is asked about agents gave no answer (${failures}).`);
    this.name = "ListenerFailedError";
  }
}

/** The link to another gateway broke, or could not be opened, while a call was under way. */
export class PeerLostError extends Error {
  readonly code = "PEER_LOST";
  /** The call may have reached that gateway. */
  readonly written: boolean;
  constructor(gatewayId: string, written: boolean, why: string) {
    super(`The link to gateway ${gatewayId}, which holds the agent, was lost: ${why}.`);
    this.name = "PeerLostError";
    this.written = written;
  }
}

/** Another process took this gateway's id: this one has to go. */
export class GatewayReplacedError extends Error {
  readonly code = "GATEWAY_REPLACED";
  constructor(gatewayId: string) {
    super(
      `Another process runs as gateway ${gatewayId}. Give each gateway an id of its own with MUSTER_GATEWAY_ID.`,
    );
    this.name = "GatewayReplacedError";
  }
}

/** Temporal holds no running lifecycle of that agent (or gateway), or it will never take the message. Not retried. */
export class LifecycleGoneError extends Error {
  readonly code = "LIFECYCLE_GONE";
  constructor(subject: string, options?: ErrorOptions) {
    super(`Temporal has no running lifecycle of ${subject} that takes this message.`, options);
    this.name = "LifecycleGoneError";
  }
}
