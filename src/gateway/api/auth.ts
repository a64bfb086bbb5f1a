import { createHash, timingSafeEqual } from "node:crypto";

/** Makes the check of an Authorization header. */
export function bearerCheck(token: string): (authorization: string | undefined) => boolean {
  const isToken = tokenCheck(token);
  return (authorization) => {
    const given = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    return isToken(given ?? "") && given !== undefined;
  };
}

/**
 * Makes the check of a token as it is. Compares hashes in constant time, so that neither the token nor its length leaks by
 * how long a refusal takes.
 */
export function tokenCheck(token: string): (given: string) => boolean {
  const wanted = sha256(token);
  return (given) => timingSafeEqual(sha256(given), wanted);
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
