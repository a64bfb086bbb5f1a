/** The text of a keyring is none. The message never holds any of it. */
export class KeyringError extends Error {
  readonly code = "KEYRING_MALFORMED";
  constructor(message: string) {
    super(message);
    this.name = "KeyringError";
  }
}

/** Something encrypted can't be read with the keys at hand. `message` names the key and says what to change. */
export class SecretUnreadableError extends Error {
  /** `KEY_UNKNOWN`: no such key here. `NOT_AUTHENTIC`: another key of the same id, or what was encrypted has changed. */
  readonly code: "KEY_UNKNOWN" | "NOT_AUTHENTIC";
  /** Id of the key that it was encrypted with. */
  readonly keyId: string;
  constructor(code: SecretUnreadableError["code"], keyId: string, message: string) {
    super(message);
    this.name = "SecretUnreadableError";
    this.code = code;
    this.keyId = keyId;
  }
}

/** Something has to be encrypted and there is no key to do it with. */
export class NoKeyError extends Error {
  readonly code = "PAYLOAD_KEY_NEEDED";
  constructor(what: string) {
    super(
      `${what} and this process has no key to encrypt with: set MUSTER_PAYLOAD_KEY in every gateway and worker ` +
        "(`muster payload-key new` makes a key), or leave the field out.",
    );
    this.name = "NoKeyError";
  }
}
