/**
 * `muster/secrets`: for clients of Muster's workflows that speak to Temporal themselves, with the keys of MUSTER_PAYLOAD_KEY.
 * `EncryptingCodec` for their data converter, `sealCommand` for the secret fields of what they admit.
 */
export * from "./errors.ts";
export { Keyring } from "./keyring.ts";
export { EncryptingCodec } from "./payload-codec.ts";
export { sealCommand } from "./sealed-fields.ts";
