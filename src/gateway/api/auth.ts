import { createHash, timingSafeEqual } from "node:crypto";

/**
 * Makes the check of an Authorization header. Compares hashes in constant time, so that neither the token nor its
 * length leaks by how long a refusal takes.
 */
export function bearerCheck(token: string): (authorization: string | undefined) => boolean {
  const wanted = sha256(token);
  return (authorization) => {
    const given = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    return timingSafeEqual(sha256(given ?? ""), wanted) && given !== undefined;
  };
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
