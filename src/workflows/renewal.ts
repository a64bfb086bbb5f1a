import { setHandler } from "@temporalio/workflow";
import { renewSignal } from "./renewal-messages.ts";

/** Listens for `renew`; what it gives says whether this run was asked. Call it before a default signal handler is set. */
export function listenForRenewal(onAsked: () => void = () => undefined): () => boolean {
  let asked = false;
  setHandler(renewSignal, () => {
    asked = true;
    onAsked();
  });
  return () => asked;
}
