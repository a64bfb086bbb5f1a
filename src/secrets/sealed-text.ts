/** A secret text at rest in a place of its own, such as a webhook's in PostgreSQL. */
import type { Keyring } from "./keyring.ts";

/** No secret that is kept as it is may begin like this. */
const sealedPrefix = "sealed:";

/** Where the secret of a webhook is kept. */
export function webhookPlace(webhookId: string): string {
  return `webhook/${webhookId}`;
}

/** Where the settings of a direct agent are kept. */
export function directConfigPlace(agentId: string): string {
  return `direct-agent/${agentId}`;
}

/** The text as it is to be kept: sealed, or as it is when the keyring encrypts nothing. `place` names where it is kept. */
export function sealText(keyring: Keyring, place: string, text: string): string {
  const sealed = keyring.encrypt(Buffer.from(text), contextOf(place));
  if (sealed === undefined) return text;
  return `${sealedPrefix}${sealed.keyId}:${sealed.data.toString("base64")}`;
}

/**
 * The text of what is kept, and whether it should be kept anew: not as `sealText` would keep it now.
 * @throws SecretUnreadableError
 */
export function openText(
  keyring: Keyring,
  place: string,
  kept: string,
): { readonly text: string; readonly outdated: boolean } {
  const { encryptingId } = keyring;
  if (!kept.startsWith(sealedPrefix)) return { text: kept, outdated: encryptingId !== undefined };
  const [keyId = "", data = ""] = kept.slice(sealedPrefix.length).split(":");
  const text = keyring.decrypt(keyId, Buffer.from(data, "base64"), contextOf(place));
  return { text: text.toString("utf8"), outdated: keyId !== encryptingId };
}

function contextOf(place: string): string {
  return JSON.stringify(["muster/text", place]);
}
