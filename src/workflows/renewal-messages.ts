/** What operators may say to every long-lived workflow of Muster. */
import { defineSignal } from "@temporalio/workflow";

/**
 * Go on in a new run as soon as you may: what the new run begins with is written with the payload key of today, and the
 * payloads of the old run are needed no more.
 */
export const renewSignal = defineSignal("renew");
