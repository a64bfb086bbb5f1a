import { describe, expect, test } from "vitest";
import type { AgentSocket } from "../../../src/gateway/agent-socket.ts";
import { DurableLane } from "../../../src/gateway/durable-lane.ts";
import { createGatewayActivities } from "../../../src/gateway/gateway-activities.ts";
import type { GatewayParts } from "../../../src/gateway/parts.ts";
import { Session } from "../../../src/gateway/session.ts";
import { Sessions } from "../../../src/gateway/sessions.ts";
import type { DurableRequest } from "../../../src/workflows/agent-messages.ts";

/** The frames of a gateway to one agent whose socket takes everything. */
function gatewayOfOneAgent() {
  const frames: { readonly kind: string; readonly seq: number; readonly commands: unknown }[] = [];
  const socket = { state: "OPEN", send: (frame: never) => frames.push(frame) > 0 };
  const session = new Session({
    agentId: "a1",
    epoch: 1,
    socket: socket as unknown as AgentSocket,
    ...({} as Pick<Session, "host" | "settings" | "relay">),
    nowMs: 0,
  });
  session.settleOpen(true);
  const sessions = new Sessions();
  sessions.put(session);
  const nothing = {} as never;
  const durable = new DurableLane({
    sessions,
    self: nothing,
    port: nothing,
    log: nothing,
    passing: undefined,
    secrets: { open: (_agentId: string, commands: unknown) => commands } as never,
  });
  const activities = createGatewayActivities(
    { sessions, durable } as GatewayParts,
    { isStale: false } as never,
    nothing,
  );
  const deliver = (more: Partial<DurableRequest> = {}) => {
    const fixed = { onError: "stop", inSequence: true, waitMs: 1_000 } as const;
    const commands = [{ type: "StopVm", id: "c1" }];
    const request = { requestId: "r1", seq: 7, commands, ...fixed, ...more };
    return activities.deliver({ agentId: "a1", epoch: 1, requests: [request] });
  };
  const cancel = (seq = 7) =>
    activities.cancelRequest({ agentId: "a1", epoch: 1, seq, reason: "not needed" });
  return { deliver, cancel, said: () => frames.map(({ commands }) => commands) };
}

const stop = expect.objectContaining({ type: "StopVm" }) as unknown;
const cancelOf = (seq: number) =>
  expect.objectContaining({ type: "Cancel", seq, details: "not needed" }) as unknown;

describe("cancel", () => {
  test("cancel - goes right behind a Request that was cancelled while it was away", async () => {
    const { deliver, said } = gatewayOfOneAgent();
    await deliver({ cancelled: "not needed" });
    expect(said()).toEqual([[stop], [cancelOf(7)]]);
  });

  test("cancel - one that overtakes its Request goes again, behind it, and only there", async () => {
    const { deliver, cancel, said } = gatewayOfOneAgent();
    await cancel();
    await deliver();
    await deliver();
    expect(said()).toEqual([[cancelOf(7)], [stop], [cancelOf(7)], [stop]]);
  });

  test("cancel - of a Request that the agent has goes once", async () => {
    const { deliver, cancel, said } = gatewayOfOneAgent();
    await deliver();
    await cancel();
    await deliver({ seq: 8 });
    expect(said()).toEqual([[stop], [cancelOf(7)], [stop]]);
  });
});
