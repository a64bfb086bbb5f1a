/** Where Temporal is, and how its payloads are encrypted: the same as Muster's own processes have it. */
import { EncryptingCodec, Keyring } from "muster/secrets";

const { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, MUSTER_PAYLOAD_KEY } = process.env;

export const temporal = {
  address: TEMPORAL_ADDRESS ?? "127.0.0.1:7233",
  namespace: TEMPORAL_NAMESPACE ?? "default",
  taskQueue: "vm-orders",
};

/** Muster's lifecycles read what the client says, and the workflow reads the Answers that they send. */
export const dataConverter =
  MUSTER_PAYLOAD_KEY === undefined
    ? {}
    : { payloadCodecs: [new EncryptingCodec(Keyring.parse(MUSTER_PAYLOAD_KEY))] };
