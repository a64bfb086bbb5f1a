/** Loaded by its path, by the SDK's Workers: puts what failures say into payloads, so that the codec encrypts it too. */
import { DefaultFailureConverter } from "@temporalio/common";

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
