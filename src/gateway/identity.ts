/** Who an agent is: proven by its own secret, which its first connect binds to its id with the help of the join token. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Identity } from "../db/index.ts";
import type { HelloFields } from "../wire/frames.ts";
import { HandshakeRefusedError } from "./errors.ts";

/** What is stored of a secret. It is 32 random bytes, so a fast hash is enough. */
export function hashSecret(secret: string): Buffer {
  return createHash("sha256").update(secret, "utf8").digest();
}

/**
 * Checks that a known agent is who it says. A join token changes nothing for a known id.
 * @throws HandshakeRefusedError SECRET_WRONG or REMOVED.
 */
export function proveIdentity(hello: HelloFields, identity: Identity): void {
  const given = hashSecret(hello.credentials.secret);
  if (identity.secretHash.length !== given.length || !timingSafeEqual(identity.secretHash, given)) {
    throw new HandshakeRefusedError(
      "SECRET_WRONG",
      `The secret is not the one that agent id ${hello.agentId} is bound to. Two agents may share an id, or the agent ` +
        `lost its state directory: give it an id of its own, or remove the old agent first.`,
    );
  }
  if (identity.removed) {
    throw new HandshakeRefusedError(
      "REMOVED",
      `Agent ${hello.agentId} was removed by an operator. Connect with a new agent id.`,
    );
  }
}

/**
 * Checks that an unknown agent may bind its id.
 * @throws HandshakeRefusedError JOIN_TOKEN_NEEDED or JOIN_TOKEN_WRONG.
 */
export function proveInvitation(hello: HelloFields, joinToken: string | undefined): void {
  const given = hello.credentials.joinToken;
  if (given === undefined) {
    throw new HandshakeRefusedError(
      "JOIN_TOKEN_NEEDED",
      `Agent id ${hello.agentId} is not known here. Its first connect needs the join token (MUSTER_JOIN_TOKEN).`,
    );
  }
  // Hashes have one length, whatever was given.
  if (joinToken === undefined || !timingSafeEqual(hashSecret(given), hashSecret(joinToken))) {
    throw new HandshakeRefusedError(
      "JOIN_TOKEN_WRONG",
      `The join token is not this cluster's. Give agent ${hello.agentId} the MUSTER_JOIN_TOKEN of its gateways.`,
    );
  }
}
