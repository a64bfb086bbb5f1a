/**
 * What a mailbox remembers of Requests that have their Answers, so that asking again gives the same. It is bounded in
 * memory and in time; what was forgotten is refused rather than run a second time.
 */
import { mailboxLimits } from "./mailbox-types.ts";
import type { MailboxState } from "./mailbox-types.ts";

/**
 * How far the time of a repetition's first asking may be wrong: it is on its way for seconds, and some callers tell it by
 * their own clock. Longer would refuse tries of what was never admitted, at an agent that is busy.
 */
const repetitionToleranceMs = 60_000;

/**
 * Whether a request id that the mailbox does not know may have been admitted and forgotten: it was used before, no later
 * than the newest forgotten Request was admitted.
 */
export function isForgotten(
  { forgottenUpToMs }: MailboxState,
  nowMs: number,
  repeatAgoMs: number | undefined,
): boolean {
  if (forgottenUpToMs === undefined || repeatAgoMs === undefined) return false;
  return nowMs - repeatAgoMs - repetitionToleranceMs <= forgottenUpToMs;
}

/** Whatever was admitted up to now may be forgotten: the mailbox is new, while its agent is not. */
export function forgetAllBefore(mailbox: MailboxState, nowMs: number): void {
  mailbox.forgottenUpToMs = Math.max(mailbox.forgottenUpToMs ?? nowMs, nowMs);
}

/** A mailbox of an earlier release forgot without noting it: then any Request up to now may be forgotten. */
export function noteEarlierForgetting(mailbox: MailboxState, nowMs: number): void {
  const admitted = mailbox.nextSeq - 1;
  const known = mailbox.pending.length + mailbox.finished.length;
  if (mailbox.forgottenUpToMs === undefined && admitted > known) forgetAllBefore(mailbox, nowMs);
}

/**
 * Forgets the oldest finished Requests as far as they are too many, too large together, or too old; the newest is always
 * known, and so is one whose Answers somebody must still be told.
 * @param untold gives the numbers of those; only asked when something must go.
 */
export function forgetOld(
  mailbox: MailboxState,
  nowMs: number,
  untold: () => ReadonlySet<number>,
): void {
  const { finished } = mailbox;
  const newest = finished.at(-1);
  let count = finished.length;
  let bytes = finished.reduce((sum, one) => sum + one.bytes, 0);
  const isTooMuch = () => count > mailboxLimits.finished || bytes > mailboxLimits.finishedBytes;
  const tooOldMs = nowMs - mailboxLimits.finishedForMs;
  const isTooOld = (settledAtMs = nowMs) => settledAtMs <= tooOldMs;
  if (!isTooMuch() && !isTooOld(finished[0]?.settledAtMs)) return;
  const kept = untold();
  mailbox.finished = finished.filter((one) => {
    if (one === newest || kept.has(one.seq)) return true;
    if (!isTooMuch() && !isTooOld(one.settledAtMs)) return true;
    count--;
    bytes -= one.bytes;
    forgetAllBefore(mailbox, one.admittedAtMs ?? nowMs);
    return false;
  });
}
