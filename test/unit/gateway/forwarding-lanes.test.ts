import { expect, it } from "vitest";
import type { Answer } from "../../../src/api/index.ts";
import type { CallerRequest } from "../../../src/gateway/command-lanes.ts";
import {
  ForwardingLanes,
  type ForwardingParts,
} from "../../../src/gateway/peers/forwarding-lanes.ts";
import { RequestRefusedError } from "../../../src/gateway/errors.ts";

const answers: readonly Answer[] = [{ type: "StopVmAnswer", commandId: "c-1", result: true }];

/** Lanes of a gateway beside the one that holds every agent; `left` tells what the caller's going away does to the call there. */
function forwarding() {
  const left: string[] = [];
  const link = {
    call: async (
      method: string,
      _agentId: string,
      _request: CallerRequest,
      onBegun?: (leave: (reason: string) => void) => void,
    ) => {
      onBegun?.((reason) => left.push(`${method}: ${reason}`));
      await new Promise(setImmediate);
      return { answers };
    },
  };
  const parts = {
    holds: () => false,
    gatewayId: "gateway-1",
    routes: { find: () => Promise.resolve({ gatewayId: "gateway-2" }), forget: () => undefined },
    peers: { linkTo: () => link },
  };
  return { lanes: new ForwardingLanes(parts as unknown as ForwardingParts), left };
}

const leaving: CallerRequest = {
  requestId: "r-1",
  commands: [{ type: "StopVm", id: "c-1" }],
  onError: "stop",
  onOpen: (call) => {
    call.leave("its caller's connection closed");
  },
};

it("forwarding - a durable Request goes on when its caller goes away, who may ask for it again", async () => {
  const { lanes, left } = forwarding();
  expect(await lanes.sendDurable("host-1", leaving)).toEqual(answers);
  expect(left).toEqual([]);
});

it("forwarding - a call of the direct lane ends when its caller goes away", async () => {
  const { lanes, left } = forwarding();
  expect(await lanes.sendDirect("host-1", leaving)).toEqual(answers);
  expect(left).toEqual(["ask: its caller's connection closed"]);
});

it("forwarding - a call for an agent that moved on while it was looked for here follows it", async () => {
  const asked: string[] = [];
  const routes = ["gateway-1", "gateway-2"];
  const parts = {
    holds: () => false,
    gatewayId: "gateway-1",
    local: {
      sendDirect: () => {
        asked.push("here");
        return Promise.reject(new RequestRefusedError("AGENT_ELSEWHERE", "It moved."));
      },
    },
    routes: {
      find: () => Promise.resolve({ gatewayId: routes[0] }),
      forget: () => void routes.shift(),
    },
    peers: {
      linkTo: () => ({
        call: () => {
          asked.push("there");
          return Promise.resolve({ answers });
        },
      }),
    },
  };
  const lanes = new ForwardingLanes(parts as unknown as ForwardingParts);
  expect(await lanes.sendDirect("host-1", leaving)).toEqual(answers);
  expect(asked).toEqual(["here", "there"]);
});
