/** Who an agent is: proven by its own secret, which its first connect binds to its id with the help of the join token. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Identity } from "../db/index.ts";
import type { IdentityFacts } from "../lifecycle/admission.ts";
import type { HelloFields } from "../wire/frames.ts";

/** What is stored of a secret. It is 32 random bytes, so a fast hash is enough. */
export function hashSecret(secret: string): Buffer {
  return createHash("sha256").update(secret, "utf8").digest();
}

/**
 * What an agent's credentials prove: for a known id its secret alone counts, for an unknown one the join token.
 * @param directSecretHash what its owner made for an id that is declared as a direct agent's and not known yet.
 */
export function identityFacts(
  { credentials }: HelloFields,
  known: Identity | undefined,
  joinToken: string | undefined,
  directSecretHash: Buffer | null = known?.directSecretHash ?? null,
): IdentityFacts {
  if (directSecretHash !== null) {
    const right = isSame(hashSecret(credentials.secret), directSecretHash);
    const { removed = false, resourceType } = known ?? {};
    return { type: "direct", secret: right ? "right" : "wrong", removed, resourceType };
  }
  if (known === undefined) {
    const given = credentials.joinToken;
    if (given === undefined) return { type: "unknown", joinToken: "none" };
    const right = joinToken !== undefined && isSame(hashSecret(given), hashSecret(joinToken));
    return { type: "unknown", joinToken: right ? "right" : "wrong" };
  }
  const { removed, resourceType } = known;
  const right = isSame(hashSecret(credentials.secret), known.secretHash);
  return { type: "known", secret: right ? "right" : "wrong", removed, resourceType };
}

/** A revoked secret is stored as nothing, which no hash equals. */
function isSame(given: Buffer, stored: Buffer): boolean {
  return given.length === stored.length && timingSafeEqual(given, stored);
}
