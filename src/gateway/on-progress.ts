import type { ProgressFrame } from "../wire/frames.ts";
import type { GatewayParts } from "./parts.ts";
import type { Session } from "./session.ts";

/**
 * One Answer of a Request that goes on: to the callers that wait here at once, to the lifecycle now and then. What nobody
 * asked for, or what was told before, is no news and no mistake: a Response may have come first by another way.
 */
export function onProgress(parts: GatewayParts, session: Session, frame: ProgressFrame): void {
  const { seq, lane, index, answer } = frame;
  if (lane === "direct") parts.direct.onProgress(session, frame);
  if (lane !== "durable") return;
  const handed = session.handed.get(seq);
  if (handed?.progress?.isNews(handed.commands, index, answer) !== true) return;
  parts.durable.onProgress(handed.requestId, index, answer);
  parts.progress.note(session.agentId, seq, answer);
}
